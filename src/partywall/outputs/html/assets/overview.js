// The head of the report: what was scanned, the verdicts with their coverage, where it fails, what was not seen.

const HEAT_ROWS = 10;
let heatOpen = false;

function drawOverview() {
  const { scan, summary } = D;
  byId("scan-line").textContent = [
    visible(scanNames()),
    minute(Date.parse(scan.started_at) / 1000),
    plural(scan.regions.length, "region"),
    plural(summary.resources, "resource"),
    plural(summary.checks, "check"),
    plural(summary.calls, "API call"),
  ].filter(Boolean).join("  ·  ");
  if (!scan.complete) {
    byId("unfinished").textContent = "This scan did not finish: what it had not reached is not judged and not listed.";
    byId("unfinished").hidden = false;
  }
  // The wall is laid to the width that it finds.
  byId("overview").hidden = false;
  drawVerdicts();
  drawHeat();
  drawUnseen();
}

function scanNames() {
  const names = D.scan.accounts.map((account) => account.name || account.account_id);
  if (!names.length) return "";
  return names.length > 3 ? plural(names.length, "account") : names.join(", ");
}

function drawVerdicts() {
  const [fail, unknown, pass, na] = D.summary.counts;
  const judged = fail + pass;
  const asked = judged + unknown;
  const figure = (status, number) =>
    el("button", { type: "button", class: `figure f-${status}`, title: `Show only: ${STATUS_LABELS[status]}`, on: { click: () => showOnly({ status: [status] }) } },
      el("span", { class: "figure-number" }, count(number)), el("span", { class: "figure-word" }, STATUS_LABELS[status]));
  const sentence = asked
    ? el("p", { class: "rates" },
        el("span", { class: "rate" }, el("strong", {}, percent(pass, judged)), ` pass of ${count(judged)} judged`),
        el("span", { class: "rate" }, el("strong", {}, percent(judged, asked)), ` coverage: ${count(unknown)} of ${count(asked)} could not be judged`))
    : el("p", { class: "rates" }, "Nothing was judged: the scan found no resource that a selected check applies to.");
  byId("verdicts").replaceChildren(
    el("h1", { class: "unseen-label" }, "partywall report"),
    el("div", { class: "figures" }, figure("fail", fail), figure("unknown", unknown), figure("pass", pass), figure("not_applicable", na)),
    el("div", { id: "wall", class: "wall", role: "img", "aria-label": `${count(fail)} fail, ${count(unknown)} unknown, ${count(pass)} pass` }),
    sentence,
  );
  drawWall();
}

// The verdicts as a wall in running bond: what is unknown is a missing brick.
function drawWall() {
  const wall = byId("wall");
  if (!wall) return;
  const [fail, unknown, pass] = D.summary.counts;
  const asked = fail + unknown + pass;
  const ns = "http://www.w3.org/2000/svg";
  const width = Math.max(240, wall.clientWidth);
  const [brick, course, gap, courses] = [26, 11, 2, 3];
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${courses * (course + gap)}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", courses * (course + gap));
  // Any verdict given shows as at least one brick.
  const least = asked ? (brick + gap) / width : 0;
  const share = (n) => (n ? Math.max(least, n / asked) : 0);
  const parts = [share(fail), share(unknown), share(pass)];
  const total = parts[0] + parts[1] + parts[2] || 1;
  const ends = [parts[0] / total, (parts[0] + parts[1]) / total];
  for (let row = 0; row < courses; row++) {
    for (let x = row % 2 ? -(brick + gap) / 2 : 0; x < width; x += brick + gap) {
      const left = Math.max(0, x);
      const right = Math.min(width, x + brick);
      if (right - left < 3) continue;
      const middle = (left + right) / 2 / width;
      const kind = !asked ? "none" : middle < ends[0] ? "fail" : middle < ends[1] ? "unknown" : "pass";
      const rect = document.createElementNS(ns, "rect");
      const inset = kind === "unknown" || kind === "none" ? 0.5 : 0;
      for (const [name, value] of Object.entries({
        x: left + inset, y: row * (course + gap) + inset, width: right - left - 2 * inset, height: course - 2 * inset, rx: 1.5, class: `brick b-${kind}`,
      })) rect.setAttribute(name, value);
      svg.append(rect);
    }
  }
  wall.replaceChildren(svg);
}

function drawHeat() {
  const services = Object.entries(D.services).filter(([, [fail, unknown, pass]]) => fail + unknown + pass);
  if (!services.length) {
    byId("heat").replaceChildren(el("p", { class: "calm" }, "No verdict to show."));
    return;
  }
  const cells = new Map(D.heat.map(([service, severity, ...counts]) => [`${service}\n${severity}`, counts]));
  const most = Math.max(1, ...D.heat.map(([, , fail]) => fail));
  const cell = (service, severity) => {
    const [fail = 0, unknown = 0, pass = 0] = cells.get(`${service}\n${severity}`) || [];
    if (!(fail + unknown + pass)) return el("td", { class: "heat-none" }, el("span", { class: "unseen-label" }, "no check"));
    const level = fail ? Math.ceil(5 * (fail / most) ** 0.6) : 0;
    const words = `${service}, ${SEVERITY_LABELS[severity]}: ${fail} fail, ${unknown} unknown, ${pass} pass`;
    return el("td", {},
      el("button", { type: "button", class: `heat-cell h${level}`, title: words, "aria-label": words,
        on: { click: () => showOnly({ service: [service], severity: [severity], status: fail ? ["fail"] : unknown ? ["unknown"] : ["pass"] }) } },
        fail ? count(fail) : unknown ? "" : "·", unknown ? el("span", { class: "heat-unknown" }, `${count(unknown)}?`) : null));
  };
  const rows = (heatOpen ? services : services.slice(0, HEAT_ROWS)).map(([service, [fail, unknown, pass]]) =>
    el("tr", {},
      el("th", { scope: "row" }, el("button", { type: "button", class: "link", on: { click: () => showOnly({ service: [service] }) } }, visible(service))),
      SEVERITIES.map((severity) => cell(service, severity)),
      el("td", { class: "num" }, percent(pass, pass + fail)),
      el("td", { class: "num" }, percent(pass + fail, pass + fail + unknown))));
  const head = ["Service", ...SEVERITIES.map((severity) => SEVERITY_LABELS[severity]), "Pass rate", "Coverage"];
  const more = services.length > HEAT_ROWS &&
    el("button", { type: "button", class: "link more", on: { click: () => { heatOpen = !heatOpen; drawHeat(); } } },
      heatOpen ? "Show fewer" : `Show all ${services.length} services`);
  byId("heat").replaceChildren(
    el("div", { class: "scroll-x" }, el("table", { class: "heat" },
      el("thead", {}, el("tr", {}, head.map((word, at) => el("th", { scope: "col", class: at ? "num" : "" }, word)))),
      el("tbody", {}, rows))),
    el("p", { class: "calm key" }, "Failed findings by service and severity; a number with ? is unknown."),
    more || "");
}

function drawUnseen() {
  if (!D.unseen.length) {
    byId("unseen").replaceChildren(el("p", { class: "calm" }, "Every API call of this scan was answered."));
    return;
  }
  const failed = D.unseen.reduce((sum, unseen) => sum + unseen.count, 0);
  const some = (list, one) => (list.length > 2 ? plural(list.length, one) : list.join(", "));
  byId("unseen").replaceChildren(
    el("p", { class: "calm" }, `${plural(failed, "call")} did not answer. Whatever depends on them is unknown, never passed.`),
    el("ul", { class: "unseen-list" }, D.unseen.slice(0, 60).map((unseen) =>
      el("li", {},
        el("span", { class: "unseen-count" }, count(unseen.count)),
        el("div", {},
          el("button", { type: "button", class: "link mono", on: { click: () => { setQuery(`${unseen.service}:${unseen.operation}`); showOnly({ status: ["unknown"] }, true); } } },
            visible(`${unseen.service}:${unseen.operation}`)),
          el("p", {}, clip(reasonOf(unseen.outcome, unseen.denied_by, unseen.code), 300)),
          el("p", { class: "calm" }, visible([some(unseen.accounts.map(accountName), "account"), some(unseen.regions, "region")].filter(Boolean).join(" · "))))))),
    D.unseen.length > 60 ? el("p", { class: "calm" }, `… and ${plural(D.unseen.length - 60, "more kind")} of failure; the JSON report has them all.`) : "");
}
