// The account as a wall: courses from the ground up, a column for each service, a stone for each line.

const SIDES = {
  aws: ["AWS's side", "AWS does it, and its auditors attest it"],
  shared: ["Shared", "AWS gives the means, and both have a part"],
  customer: ["Your side", "nobody else does it for you"],
  mixed: ["It depends", "your resources differ"],
  unknown: ["Not known", "what decides it could not be read"],
};
const LINE_STATES = {
  failing: ["✕", "checks fail"],
  unknown: ["?", "could not be judged"],
  satisfied: ["✓", "all checks pass"],
  unproven: ["·", "no check has looked"],
};
const ORDERS = { need: "Most to do first", name: "By name" };
const wallState = { order: "need", open: null, mine: false };

function drawWallPage() {
  const wall = D.wall;
  const page = byId("wall-page");
  if (!wall) return;
  if (!wall.services.length) {
    page.replaceChildren(el("p", { class: "calm" }, "There is nothing to draw: the scan found no resource, or was not allowed to."));
    return;
  }
  page.replaceChildren(wallHead(wall), wallTools(), el("div", { id: "courses", class: "courses-frame" }), el("div", { id: "stone", class: "stone", tabindex: "-1", hidden: true }), ...wallGaps(wall));
  drawCourses();
}

function wallHead(wall) {
  const { sides, states } = wall.totals;
  const lines = Object.keys(SIDES).reduce((sum, side) => sum + sides[side], 0);
  const act = Object.values(states).reduce((sum, n) => sum + n, 0);
  const bar = el("div", { class: "side-bar", role: "img", "aria-label": Object.entries(SIDES).map(([side, [title]]) => `${title}: ${sides[side]}`).join(", ") },
    Object.keys(SIDES).filter((side) => sides[side]).map((side) => {
      const part = el("span", { class: `side-part w-${side}` });
      part.style.flexGrow = String(sides[side]);
      return part;
    }));
  return el("div", { class: "wall-head" },
    el("h2", { class: "wall-title" }, "Who secures what"),
    el("p", { class: "wall-lead" }, "Security in the cloud is divided by a wall. Below it, AWS secures buildings, machines and the services it runs. Above it, everything is up to you. Where the wall runs depends on the service and on how you configured it; this is how it runs through your account."),
    bar,
    el("ul", { class: "side-key" }, Object.entries(SIDES).filter(([side]) => sides[side]).map(([side, [title, meaning]]) =>
      el("li", {}, el("span", { class: `swatch w-${side}`, "aria-hidden": "true" }), el("strong", {}, count(sides[side])), ` ${title}`, el("span", { class: "calm" }, `: ${meaning}`)))),
    el("p", { class: "wall-act" }, el("strong", {}, plural(act, "line")), ` of ${count(lines)} ask something of you: `,
      Object.entries(LINE_STATES).map(([state, [glyph, word]], at) =>
        el("span", { class: `act a-${state}` }, at ? " · " : "", el("span", { class: "glyph", "aria-hidden": "true" }, glyph), ` ${count(states[state])} ${word}`))),
    wall.unlisted.length ? el("p", { class: "notice" }, `${plural(wall.unlisted.length, "listing")} failed, so that resources may be missing from this wall.`) : null);
}

function wallTools() {
  const order = (key) => el("button", { type: "button", class: wallState.order === key ? "on" : "", "aria-pressed": String(wallState.order === key), on: { click: () => { wallState.order = key; drawWallPage(); } } }, ORDERS[key]);
  const mine = el("input", { type: "checkbox", checked: wallState.mine, on: { change: (event) => { wallState.mine = event.target.checked; drawCourses(); } } });
  return el("div", { class: "wall-tools" },
    el("div", { class: "segmented", role: "group", "aria-label": "Order of services" }, Object.keys(ORDERS).map(order)),
    el("label", { class: "mine" }, mine, " Dim what asks nothing of you"),
    el("span", { class: "calm" }, "Choose a stone for who does what on it."));
}

function wallColumns() {
  const columns = D.wall.services.map((service, index) => ({ service, index }));
  return wallState.order === "name" ? columns.sort((a, b) => a.service.service.localeCompare(b.service.service)) : columns;
}

function drawCourses() {
  const { domains } = D.wall;
  const columns = wallColumns();
  const table = el("table", { class: `courses${wallState.mine ? " mine-only" : ""}` });
  table.append(el("caption", { class: "unseen-label" }, "Services as columns, lines of responsibility as rows, the ground at the bottom"),
    el("thead", {}, el("tr", {}, el("td", {}), columns.map(({ service }) =>
      el("th", { scope: "col", title: `${service.service}: ${plural(service.resources, "resource")}` }, el("span", {}, service.service))))));
  const body = el("tbody");
  for (const at of [...D.wall.courses].reverse()) {
    body.append(el("tr", {}, el("th", { scope: "row", title: domains[at].what }, domains[at].title),
      columns.map(({ service, index }) => el("td", {}, stoneOf(service, index, at)))));
  }
  table.append(body);
  byId("courses").replaceChildren(table);
}

function stoneOf(service, index, at) {
  const line = service.lines[at];
  if (line.side === "none") return el("span", { class: "stone-none", "aria-label": "not there" });
  const [glyph, word] = line.must_act ? LINE_STATES[line.state] : ["", "nothing to do"];
  const title = `${service.service}, ${D.wall.domains[at].title}: ${SIDES[line.side][0]}; ${word}${line.failing ? ` (${plural(line.failing, "finding")})` : ""}`;
  const chosen = wallState.open && wallState.open[0] === index && wallState.open[1] === at;
  return el("button", { type: "button", class: `brick w-${line.side} ${line.must_act ? `a-${line.state}` : "rest"}${chosen ? " chosen" : ""}`, title, "aria-label": title, "aria-pressed": String(Boolean(chosen)), on: { click: () => openStone(index, at) } }, glyph);
}

function openStone(index, at) {
  wallState.open = [index, at];
  drawCourses();
  const panel = byId("stone");
  panel.hidden = false;
  panel.replaceChildren(...stoneDetail(D.wall.services[index], at));
  panel.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
}

function stoneDetail(service, at) {
  const line = service.lines[at];
  const domain = D.wall.domains[at];
  const several = service.variants.length > 1;
  const verdicts = [["fail", line.failing], ["unknown", line.unknown], ["pass", line.passing]].filter(([, n]) => n);
  const shown = D.wallColumns && D.wallColumns.has(service.service) && (line.failing || line.unknown);
  return [
    el("div", { class: "stone-head" },
      el("div", {}, el("h3", {}, service.service), el("h2", {}, domain.title), el("p", { class: "calm" }, domain.what)),
      el("span", { class: `side-badge w-${line.side}` }, SIDES[line.side][0])),
    line.must_act ? el("p", { class: "stone-verdicts" },
      verdicts.length ? verdicts.map(([status, n]) => [statusBadge(status), ` ${count(n)}  `]) : el("span", { class: "calm" }, "No check has looked at this line: nothing is proven here."),
      line.excepted ? ` ${count(line.excepted)} excepted ` : "",
      shown ? el("button", { type: "button", class: "link", on: { click: () => showLine(service.service, domain.id) } }, "Show the findings") : null) : null,
    service.variants.map((variant) => {
      const told = variant.lines[at];
      return el("section", { class: "stone-variant" },
        several ? el("h4", {}, variant.variant, el("span", { class: "calm" }, variant.resources ? `  ${plural(variant.resources, "resource")}` : "  perhaps")) : null,
        el("div", { class: "both-sides" },
          el("div", { class: "their-side" }, el("h3", {}, "AWS"), el("p", {}, told.aws)),
          el("div", { class: "party-wall", "aria-hidden": "true" }),
          el("div", { class: "your-side" }, el("h3", {}, "You"), el("p", {}, told.customer))),
        el("p", { class: "stone-why" }, told.why),
        el("p", { class: "calm stone-source" }, variant.sources.map((source) => source.title).join("; "), ` · ${D.wall.grades[variant.grade]}${variant.read_on ? `, read ${variant.read_on}` : ""}`));
    }),
    service.undecided ? el("p", { class: "calm" }, `Of ${plural(service.undecided, "resource")} it could not be read which of these they are.`) : null,
  ].flat().filter(Boolean);
}

function showLine(column, domain) {
  showView("findings");
  showOnly({ status: ["fail", "unknown"], column: [column], domain: [domain] });
}

function wallGaps(wall) {
  if (!wall.gaps.length) return [];
  const title = new Map(wall.domains.map((domain) => [domain.id, domain.title]));
  return [el("section", { class: "gaps", "aria-labelledby": "gaps-title" },
    el("h2", { id: "gaps-title" }, "What you cannot close where you are"),
    el("p", { class: "calm" }, "These services leave a line open whatever you set: accept it, or move."),
    el("dl", {}, wall.gaps.map((gap) => [
      el("dt", {}, `${gap.service}: ${title.get(gap.domain)}`, el("span", { class: "calm" }, `  ${plural(gap.resources, "resource")}`)),
      el("dd", {}, `${gap.lack} ${gap.do}`)])))];
}
