// The report's pages: findings, compliance, attack paths, the wall; each is drawn when it is first shown.

const VIEWS = {
  findings: { title: "Findings", sections: ["overview", "explorer"], there: () => true },
  compliance: { title: "Compliance", sections: ["compliance-page"], there: () => Boolean(D.compliance), draw: () => drawCompliancePage() },
  threats: { title: "Threats", sections: ["threats-page"], there: () => Boolean(D.threats), draw: () => drawThreatsPage() },
  attack: { title: "Attack paths", sections: ["attack-page"], there: () => Boolean(D.attack), draw: () => drawAttackPage(D.attack) },
  wall: { title: "The wall", sections: ["wall-page"], there: () => Boolean(D.wall), draw: () => drawWallPage() },
};
let shownView = "findings";
const drawnViews = new Set();

function drawViews() {
  const there = Object.entries(VIEWS).filter(([, view]) => view.there());
  byId("views").hidden = there.length < 2;
  byId("views").replaceChildren(...there.map(([key, view]) =>
    el("button", { type: "button", class: shownView === key ? "on" : "", "aria-current": shownView === key ? "page" : false, on: { click: () => showView(key) } }, view.title)));
}

function showView(key) {
  const view = VIEWS[key] && VIEWS[key].there() ? key : "findings";
  shownView = view;
  if (view !== "findings") closeFinding();
  for (const [name, { sections }] of Object.entries(VIEWS)) for (const id of sections) byId(id).hidden = name !== view;
  if (VIEWS[view].draw && !drawnViews.has(view)) {
    drawnViews.add(view);
    VIEWS[view].draw();
  }
  drawViews();
  if (view === "findings") { drawRows(); drawWall(); }
  saveHash();
}
