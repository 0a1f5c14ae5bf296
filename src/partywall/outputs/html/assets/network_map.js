// The VPC map: search, zoom, and what is told of what is chosen.

const DETAILS = JSON.parse(byId("data").textContent);
const pane = byId("pane");
const drawing = pane.querySelector("svg");
const natural = { width: drawing.viewBox.baseVal.width, height: drawing.viewBox.baseVal.height };
const groups = [...drawing.querySelectorAll("[data-id]")];
let scale = 1;

function zoom(to) {
  const before = scale;
  scale = Math.min(Math.max(to, 0.15), 3);
  const middle = { x: pane.scrollLeft + pane.clientWidth / 2, y: pane.scrollTop + pane.clientHeight / 2 };
  drawing.setAttribute("width", natural.width * scale);
  drawing.setAttribute("height", natural.height * scale);
  pane.scrollLeft = (middle.x * scale) / before - pane.clientWidth / 2;
  pane.scrollTop = (middle.y * scale) / before - pane.clientHeight / 2;
}

const fitting = () => Math.min(1.15, (pane.clientWidth - 12) / natural.width);

function spot([title, kind, id, inner, outer, names, ports, doors, doubtful]) {
  const lines = [[kind, id].filter(Boolean).join(" · "), [inner, outer && `public ${outer}`].filter(Boolean).join(" · "), names && `groups: ${names}`];
  return el("li", {},
    el("b", {}, title),
    lines.filter(Boolean).map((line) => el("p", {}, line)),
    ports && el("p", { class: "reached" }, `the internet reaches ${ports}`),
    doubtful && el("p", { class: "doubt" }, ports ? "perhaps more" : "not known whether the internet reaches it"),
    doors.map((door) => el("p", { class: "reached" }, `the internet reaches it by ${door}`)));
}

const section = (title, items) => items && items.length ? [el("h3", {}, title), el("ul", {}, items)] : [];

function choose(id) {
  for (const group of groups) {
    group.classList.toggle("chosen", group.dataset.id === id);
    group.classList.remove("joined");
  }
  const told = DETAILS[id];
  const panel = byId("detail");
  panel.classList.toggle("idle", !told);
  if (!told) return;
  for (const end of told.ends || []) for (const group of groups) if (group.dataset.id === end) group.classList.add("joined");
  const close = el("button", { type: "button", class: "quiet close", "aria-label": "Close" }, "Close");
  close.addEventListener("click", () => choose(""));
  panel.replaceChildren(...[
    close,
    el("h2", {}, told.title),
    el("p", { class: "calm" }, told.kind),
    el("dl", {}, told.facts.filter((fact) => fact[1]).map(([name, value]) => [el("dt", {}, name), el("dd", { class: "mono" }, value)])),
    section(told.kind === "VPC" ? "At its edge" : "Also", (told.lines || []).map((line) => el("li", {}, line))),
    section(`Interfaces: ${told.spots ? told.spots.length + told.more : 0}`, (told.spots || []).map(spot)),
    told.more ? el("p", { class: "calm" }, `and ${told.more} more`) : "",
    section("Routes", (told.routes || []).map((route) => el("li", { class: "mono" }, route))),
  ].flat());
  panel.scrollTop = 0;
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  pane.classList.toggle("finding", words.length > 0);
  let first = null;
  let count = 0;
  for (const group of groups) {
    const hit = words.length > 0 && words.every((word) => group.dataset.words.includes(word));
    group.classList.toggle("hit", hit);
    if (hit) { count += 1; first = first || group; }
  }
  byId("hits").textContent = words.length ? `${count} found` : "";
  if (first) first.scrollIntoView({ block: "center", inline: "center" });
}

drawing.addEventListener("click", (event) => {
  const group = event.target.closest("[data-id]");
  choose(group ? group.dataset.id : "");
});
drawing.addEventListener("keydown", (event) => {
  const group = event.target.closest("[data-id]");
  if (group && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(group.dataset.id); }
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input")) { if (event.key === "Escape") { byId("search").value = ""; find(""); } return; }
  if (event.key === "/") { event.preventDefault(); byId("search").focus(); }
  else if (event.key === "Escape") choose("");
  else if (event.key === "+") zoom(scale * 1.25);
  else if (event.key === "-") zoom(scale / 1.25);
  else if (event.key === "0") zoom(fitting());
});
byId("search").addEventListener("input", (event) => find(event.target.value));
byId("tools").addEventListener("submit", (event) => event.preventDefault());
byId("smaller").addEventListener("click", () => zoom(scale / 1.25));
byId("larger").addEventListener("click", () => zoom(scale * 1.25));
byId("fit").addEventListener("click", () => zoom(fitting()));
const THEMES = ["auto", "light", "dark"];
byId("theme").addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  document.documentElement.dataset.theme = next;
  byId("theme").textContent = `Theme: ${next}`;
});
// Where all of it would be too small to read, it is scrolled instead.
scale = 1;
zoom(Math.max(fitting(), 0.72));
pane.scrollLeft = 0;
pane.scrollTop = 0;
