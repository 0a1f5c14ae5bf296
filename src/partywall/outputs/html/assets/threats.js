// Threats: attack stories with their timelines, then the detections that stand alone.

const TACTIC_ORDER = ["reconnaissance", "resource-development", "initial-access", "execution", "discovery", "credential-access", "persistence", "privilege-escalation", "defense-evasion", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact"];
const tacticWord = (tactic) => tactic.replaceAll("-", " ").replace(/^./, (letter) => letter.toUpperCase());
const momentOf = (text, seconds = false) => text.slice(0, seconds ? 19 : 16).replace("T", " ");

function drawThreatsPage() {
  const T = D.threats;
  const open = T.incidents.filter((incident) => incident.state !== "resolved");
  byId("threats-page").replaceChildren(
    el("h2", { class: "threats-title" }, open.length ? `${count(open.length)} open incident${open.length === 1 ? "" : "s"}` : "No open incident"),
    el("p", { class: "calm" }, "Found by partywall's rules and models in the account's own logs, and by other detectors whose findings were imported. Detections that belong together are one incident. Times are UTC."),
    T.incidents.length ? el("div", { class: "threats-list" }, T.incidents.map(incidentCard)) : null,
    T.left.incidents ? el("p", { class: "calm" }, `${count(T.left.incidents)} older incidents are not on this page: partywall incidents --all lists them.`) : null,
    T.alone.length ? el("h2", { class: "threats-title" }, `${count(T.alone.length + T.left.alone)} detection${T.alone.length + T.left.alone === 1 ? "" : "s"} that stand alone`) : null,
    T.alone.length ? aloneTable(T.alone) : null,
    T.left.alone ? el("p", { class: "calm" }, `${count(T.left.alone)} milder ones are not on this page.`) : null);
}

function incidentCard(incident, index) {
  const body = el("div", { class: "threat-body" });
  const card = el("details", { class: `threat t-${incident.severity}` },
    el("summary", {},
      severityBadge(incident.severity),
      el("span", { class: "threat-name" }, incident.title),
      el("span", { class: "threat-state" }, incident.state),
      el("span", { class: "threat-when" }, `${momentOf(incident.first)} – ${momentOf(incident.last)} · ${count(incident.events)} events`)),
    body);
  const draw = () => { if (card.open && !body.childElementCount) body.append(...incidentBody(incident)); };
  card.addEventListener("toggle", draw);
  if (index === 0 && incident.state !== "resolved") { card.open = true; draw(); }
  return card;
}

function incidentBody(incident) {
  const fact = (name, values) => (values.length ? [el("dt", {}, name), el("dd", {}, values.map((value) => el("span", { class: "threat-value" }, value)))] : []);
  return [
    el("p", { class: "threat-summary" }, incident.summary),
    lanes(incident),
    el("div", { class: "threat-columns" },
      el("dl", { class: "facts threat-facts" },
        fact("Who", incident.principals), fact("What they are", incident.kinds), fact("From", incident.addresses),
        fact("Access keys", incident.keys), fact("Account, Region", [...incident.accounts, ...incident.regions]),
        fact("Touched", incident.resources), fact("ATT&CK", incident.techniques), fact("Incident", [incident.id])),
      el("div", {},
        el("h3", {}, "Why it is one"),
        el("ul", {}, incident.why.map((reason) => el("li", {}, reason)), incident.links.length ? el("li", {}, `tied together by: ${incident.links.join(", ")}`) : null),
        el("h3", {}, "What the scan knows of them"),
        el("ul", {}, incident.context.map((reason) => el("li", {}, reason))))),
    el("h3", {}, "Timeline"),
    el("div", { class: "threat-scroll" }, el("table", { class: "threat-table" },
      el("thead", {}, el("tr", {}, ["Time", "Call", "Error", "Principal", "From", "Found as"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, incident.timeline.map((row) => el("tr", {},
        el("td", { class: "threat-time" }, momentOf(row.time, true)),
        el("td", { class: "threat-code" }, row.call),
        el("td", { class: "threat-error" }, row.error),
        el("td", {}, row.who),
        el("td", { class: "threat-code" }, row.address),
        el("td", {}, el("span", { class: `threat-dot d-${row.severity}`, "aria-hidden": "true" }), row.found.join("; "))))))),
    incident.left ? el("p", { class: "calm" }, `${count(incident.left)} further events: partywall incidents ${incident.id} --format json`) : null,
    el("h3", {}, "What to do"),
    ...incident.playbook.map(playbookOf),
  ];
}

function playbookOf(book) {
  const part = (title, lines) => [el("h5", {}, title), el("ol", {}, lines.map(stepOf))];
  return el("details", { class: "threat-book" },
    el("summary", {}, book.title),
    ...part("Contain", book.contain), ...part("Investigate", book.investigate), ...part("Recover", book.recover));
}

function stepOf(line) {
  const command = line.match(/(?:^|: )((?:aws|partywall) [a-z0-9-]+ .*)$/);
  return el("li", {}, line, command ? [" ", copyButton(command[1])] : null);
}

function lanes(incident) {
  const begin = Date.parse(incident.first);
  const span = Math.max(1, Date.parse(incident.last) - begin);
  const shown = TACTIC_ORDER.filter((tactic) => incident.detections.some((one) => one.tactics.includes(tactic)));
  return el("div", { class: "threat-lanes", role: "img", "aria-label": `Tactics over time: ${shown.map(tacticWord).join(", ")}` },
    shown.map((tactic) => el("div", { class: "threat-lane" },
      el("span", { class: "threat-tactic" }, tacticWord(tactic)),
      el("span", { class: "threat-track" }, incident.detections.filter((one) => one.tactics.includes(tactic)).map((one) => {
        const mark = el("span", { class: `threat-mark d-${one.severity}`, title: `${one.title} · ${momentOf(one.first, true)} · ${count(one.count)} ×` });
        mark.style.left = `${(100 * (Date.parse(one.first) - begin)) / span}%`;
        mark.style.width = `${(100 * (Date.parse(one.last) - Date.parse(one.first))) / span}%`;
        return mark;
      })))),
    el("div", { class: "threat-lane threat-axis" }, el("span", {}), el("span", { class: "threat-ends" }, el("span", {}, momentOf(incident.first, true)), el("span", {}, momentOf(incident.last, true)))));
}

function aloneTable(rows) {
  return el("div", { class: "threat-scroll" }, el("table", { class: "threat-table" },
    el("thead", {}, el("tr", {}, ["Severity", "What was found", "Principal", "From", "Account", "Last", "Events", "State"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((one) => el("tr", {},
      el("td", {}, severityBadge(one.severity)),
      el("td", {}, el("b", {}, one.title), el("small", { class: "threat-type" }, `${one.type} · ${one.source}`), el("small", {}, one.explanation)),
      el("td", {}, one.principal, el("small", {}, one.kind)),
      el("td", { class: "threat-code" }, one.addresses.join(" ")),
      el("td", {}, one.account, el("small", {}, one.region)),
      el("td", { class: "threat-time" }, momentOf(one.last)),
      el("td", { class: "threat-count" }, count(one.count)),
      el("td", {}, one.state, one.exception ? el("small", {}, one.exception) : null))))));
}
