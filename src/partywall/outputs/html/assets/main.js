// Puts the page together: address, keyboard, theme, print.

const DEFAULT_STATUS = ["fail", "unknown"];
const KEYS = [
  ["/", "Search"],
  ["↓ ↑ or j k", "Next, previous"],
  ["Enter", "Open the finding or heading"],
  ["← →", "Close, open a heading"],
  ["Esc", "Close the finding, leave the search"],
  ["g", "Change the grouping"],
  ["t", "Change the theme"],
  ["?", "This help"],
];

function update() {
  refresh();
  drawFacets();
  drawChips();
  drawGrouping();
  drawHead();
  drawList();
  saveHash();
}

function drawGrouping() {
  byId("grouping").replaceChildren(...Object.entries(GROUPS).map(([key, title]) =>
    el("button", { type: "button", class: state.group === key ? "on" : "", "aria-pressed": String(state.group === key), "data-group": key, on: { click: () => group(key) } }, title)));
}

function group(key) {
  state.group = key;
  state.open.clear();
  active = -1;
  const focused = byId("grouping").contains(document.activeElement);
  update();
  if (focused) byId("grouping").querySelector(`[data-group=${key}]`).focus();
}

function hashText(finding) {
  const params = new URLSearchParams();
  if (shownView !== "findings") params.set("view", shownView);
  if (finding) params.set("finding", finding);
  if (state.query) params.set("q", state.query);
  if (state.group !== "none") params.set("group", state.group);
  if (state.sort !== "priority" || state.down) params.set("sort", (state.down ? "-" : "") + state.sort);
  for (const facet of FACETS) {
    const chosen = [...state.selected[facet.key]];
    if (facet.key === "status") {
      if (!chosen.length) params.set("status", "all");
      else if (chosen.join() !== DEFAULT_STATUS.join()) for (const value of chosen) params.append("status", value);
    } else for (const value of chosen) params.append(facet.key, value);
  }
  return params.toString();
}

function saveHash() {
  const text = hashText(selectedRow >= 0 ? idOf(selectedRow) : "");
  if (location.hash.slice(1) === text) return;
  history.replaceState(null, "", `#${text}`);
}

const linkTo = (i) => `${location.href.split("#")[0]}#finding=${idOf(i)}`;

function readHash() {
  const params = new URLSearchParams(location.hash.slice(1));
  setQuery(params.get("q") || "");
  state.group = params.get("group") in GROUPS ? params.get("group") : "none";
  const sort = params.get("sort") || "priority";
  state.down = sort.startsWith("-");
  state.sort = sort.replace("-", "") in SORTS ? sort.replace("-", "") : "priority";
  for (const facet of FACETS) {
    const known = facet.key === "ref" ? refChecks : new Set(D.columns[facet.column].values);
    const values = params.getAll(facet.key);
    const given = facet.key === "status" && !values.length ? DEFAULT_STATUS : values;
    state.selected[facet.key] = new Set(given.filter((value) => known.has(value) || (facet.key === "status" && STATUSES.includes(value))));
  }
  const found = params.get("finding") ? indexOfId(params.get("finding").toLowerCase()) : -1;
  if (params.get("finding") && found < 0) warn("This report has no finding with that id.");
  showView(params.get("view") || "findings");
  update();
  if (found >= 0) {
    openFinding(found);
    activate(found);
  } else closeFinding();
}

function warn(text) {
  byId("failure").textContent = text;
  byId("failure").hidden = false;
}

const THEMES = ["auto", "light", "dark"];
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
  try {
    localStorage.setItem("partywall-theme", theme);
  } catch { /* A page opened from a file may have no storage: the choice then lasts as long as the page. */ }
}
function storedTheme() {
  try {
    return localStorage.getItem("partywall-theme");
  } catch {
    return null;
  }
}
const nextOf = (list, item) => list[(list.indexOf(item) + 1) % list.length];
const nextTheme = () => setTheme(nextOf(THEMES, document.documentElement.dataset.theme));

function openHelp() {
  byId("help").replaceChildren(
    el("h2", { id: "help-title" }, "Keys"),
    el("dl", { class: "facts" }, KEYS.map(([key, meaning]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, meaning)])),
    el("button", { type: "button", class: "quiet", on: { click: () => byId("help").close() } }, "Close"));
  byId("help").showModal();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const typing = event.target.matches("input[type=search], textarea");
  if (event.key === "Escape") {
    if (typing && event.target.value) return;
    if (typing) byId("grid").focus({ preventScroll: true });
    else closeFinding();
    return;
  }
  if (typing) {
    if (event.key === "Enter" || event.key === "ArrowDown") {
      if (event.target.id !== "search") return;
      event.preventDefault();
      byId("grid").focus({ preventScroll: true });
      move(0);
    }
    return;
  }
  if (shownView !== "findings") {
    if (event.key === "t") nextTheme();
    else if (event.key === "?") openHelp();
    return;
  }
  const pressable = event.target.matches("button, input, summary, a, pre, [role=tab]");
  const actions = {
    "/": () => byId("search").focus(),
    j: () => move(1),
    k: () => move(-1),
    g: () => group(nextOf(Object.keys(GROUPS), state.group)),
    t: nextTheme,
    "?": openHelp,
  };
  if (!pressable) {
    Object.assign(actions, {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      PageDown: () => move(10),
      PageUp: () => move(-10),
      Home: () => move(-MOST_ITEMS),
      End: () => move(MOST_ITEMS),
      Enter: openActive,
      ArrowRight: () => foldActive(true),
      ArrowLeft: () => foldActive(false),
    });
    // In the open panel the arrows scroll; j and k step.
    if (byId("detail").contains(event.target)) for (const key of ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "Enter"]) delete actions[key];
  }
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}

function openActive() {
  const item = view.items[active];
  if (active < 0 || item === undefined) return;
  if (item < 0) toggleGroup(view.groups[-1 - item]);
  else openFinding(item);
}

function foldActive(open) {
  const item = view.items[active];
  if (active < 0 || item === undefined || item >= 0) return;
  const heading = view.groups[-1 - item];
  if (state.open.has(heading.code) !== open) toggleGroup(heading);
}

function wire() {
  let waiting = 0;
  byId("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { state.query = byId("search").value; active = -1; update(); }, 120);
  });
  byId("clear").addEventListener("click", clearFilters);
  byId("theme").addEventListener("click", nextTheme);
  byId("print").addEventListener("click", () => window.print());
  byId("help-open").addEventListener("click", openHelp);
  byId("filters-open").addEventListener("click", () => {
    const open = document.body.classList.toggle("with-filters");
    byId("filters-open").setAttribute("aria-expanded", String(open));
  });
  byId("grid").addEventListener("focus", () => { if (active < 0 && itemCount()) { active = 0; markActive(); } });
  window.addEventListener("scroll", drawRows, { passive: true });
  window.addEventListener("resize", () => { drawRows(); drawWall(); });
  window.addEventListener("hashchange", readHash);
  window.addEventListener("beforeprint", drawPrinted);
  window.addEventListener("afterprint", () => byId("printed").replaceChildren());
  document.addEventListener("keydown", onKey);
}

async function start() {
  const stored = storedTheme();
  setTheme(THEMES.includes(stored) ? stored : "auto");
  if (!("DecompressionStream" in window) || !CSS.supports("color", "light-dark(#fff, #000)")) {
    warn("This browser is too old to unpack the report: any from the middle of 2024 on will do.");
    return;
  }
  try {
    await load();
  } catch (error) {
    warn(`The report's data cannot be read; the file may be cut short. (${error.message})`);
    return;
  }
  prepareFilters();
  byId("explorer").hidden = false;
  drawOverview();
  wire();
  readHash();
  document.documentElement.dataset.ready = Math.round(performance.now());
}

start();
