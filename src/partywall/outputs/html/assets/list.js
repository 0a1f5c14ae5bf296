// The list: only the rows in sight exist in the document, however many findings there are.

const ROW_HEIGHT = 58;
const OVERSCAN = 8;
// Browsers stop laying out elements some 16 million pixels tall.
const MOST_ITEMS = 250000;
const COLUMNS = [
  { key: "priority", title: "Priority", hint: "0 to 100" },
  { key: "status", title: "Verdict" },
  { key: "severity", title: "Severity" },
  { key: "check", title: "Check", also: { key: "resource", title: "Resource" } },
  { key: "account", title: "Account", also: { key: "region", title: "Region" } },
  { key: "since", title: "First seen" },
];
let active = -1;
let selectedRow = -1;
const drawn = new Map();

const itemCount = () => Math.min(view.items.length, MOST_ITEMS);

function drawHead() {
  const button = ({ key, title }) => {
    const on = state.sort === key;
    return el("button", { type: "button", class: `sort ${on ? "on" : ""}`, "data-sort": key, "aria-label": `Sort by ${title.toLowerCase()}`,
      on: { click: () => { if (on) state.down = !state.down; else { state.sort = key; state.down = false; } update(); byId("grid-head").querySelector(`[data-sort=${key}]`).focus(); } } },
      title, el("span", { class: "arrow", "aria-hidden": "true" }, on ? (state.down ? " ↑" : " ↓") : ""));
  };
  byId("grid-head").replaceChildren(...COLUMNS.map((column) => {
    const on = state.sort === column.key || (column.also && state.sort === column.also.key);
    return el("div", { class: `cell c-${column.key}`, role: "columnheader", "aria-sort": on ? (state.down ? "descending" : "ascending") : "none" },
      button(column), column.also ? el("span", { class: "calm", "aria-hidden": "true" }, " · ") : null, column.also ? button(column.also) : null);
  }));
}

function drawList() {
  for (const node of drawn.values()) node.remove();
  drawn.clear();
  active = Math.min(active, itemCount() - 1);
  byId("rows").style.height = `${itemCount() * ROW_HEIGHT}px`;
  byId("grid").setAttribute("aria-rowcount", itemCount() + 1);
  byId("none").hidden = itemCount() > 0;
  byId("grid").hidden = itemCount() === 0;
  drawRows();
}

function drawRows() {
  const top = byId("rows").getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(-top / ROW_HEIGHT) - OVERSCAN);
  // Below the fold the first rows stand ready for whoever moves there without scrolling.
  const last = Math.min(itemCount() - 1, Math.max(OVERSCAN, Math.ceil((window.innerHeight - top) / ROW_HEIGHT) + OVERSCAN));
  for (const [at, node] of drawn) {
    if (at < first || at > last) {
      node.remove();
      drawn.delete(at);
    }
  }
  for (let at = first; at <= last; at++) {
    if (drawn.has(at)) continue;
    const item = view.items[at];
    const node = item < 0 ? groupRow(view.groups[-1 - item], at) : findingRow(item, at);
    node.id = `row-${at}`;
    node.style.transform = `translateY(${at * ROW_HEIGHT}px)`;
    byId("rows").append(node);
    drawn.set(at, node);
  }
  markActive();
}

function markActive() {
  for (const [at, node] of drawn) {
    node.classList.toggle("active", at === active);
    const item = view.items[at];
    const chosen = item >= 0 && item === selectedRow;
    node.classList.toggle("selected", chosen);
    node.setAttribute("aria-selected", chosen);
  }
  if (drawn.has(active)) byId("grid").setAttribute("aria-activedescendant", `row-${active}`);
  else byId("grid").removeAttribute("aria-activedescendant");
}

function findingRow(i, at) {
  const status = valueOf("status", i);
  const check = checkOf(valueOf("check_id", i));
  const resource = resourceOf(i);
  const unknown = status === "unknown" ? unknownOf(i) : null;
  const message = valueOf("message", i) || (unknown ? `${unknown.operation}: ${reasonOf(unknown.outcome, unknown.deniedBy, unknown.code)}` : "");
  const name = clip(resource.name, 200);
  const byCheck = state.group === "check";
  const lead = byCheck ? name : check.title;
  const cell = (kind, ...children) => el("div", { class: `cell c-${kind}`, role: "gridcell" }, ...children);
  const exception = valueOf("state", i) === "excepted" ? el("span", { class: "tag" }, "excepted") : null;
  const row = el("div", { class: `row finding r-${status}`, role: "row", "aria-rowindex": at + 2, "aria-level": state.group === "none" ? 1 : 2 },
    cell("priority", el("span", { class: "priority" }, count(D.priority[i])), priorityBar(D.priority[i])),
    cell("status", statusBadge(status)),
    cell("severity", severityBadge(valueOf("severity", i))),
    cell("check",
      el("div", { class: `lead ${byCheck ? "mono" : ""}` }, lead, exception),
      el("div", { class: "under" }, byCheck || state.group === "resource" ? null : el("span", { class: "mono name" }, name), clip(message, 300))),
    cell("account",
      el("div", { class: "lead plain" }, clip(accountName(valueOf("account_id", i)), 60)),
      el("div", { class: "under" }, visible(valueOf("region", i)))),
    cell("since", el("div", { class: "lead plain" }, day(valueOf("first_seen", i))), el("div", { class: "under" }, STATE_LABELS[valueOf("state", i)] || "")));
  row.addEventListener("click", () => { active = at; openFinding(i); });
  return row;
}

function priorityBar(priority) {
  const bar = el("span", { class: "pbar", "aria-hidden": "true" }, el("span", {}));
  bar.firstChild.style.width = `${Math.max(0, Math.min(100, priority))}%`;
  return bar;
}

function groupRow(group, at) {
  const open = state.open.has(group.code);
  const value = D.columns[GROUP_COLUMNS[state.group]].values[group.code];
  const heading = groupHeading(value);
  const tally = STATUSES.filter((status) => group[status]).map((status) =>
    el("span", { class: `tally v-${status}` }, el("span", { class: "glyph", "aria-hidden": "true" }, STATUS_GLYPHS[status]), count(group[status]), el("span", { class: "unseen-label" }, STATUS_LABELS[status])));
  const row = el("div", { class: "row group", role: "row", "aria-rowindex": at + 2, "aria-level": 1, "aria-expanded": String(open) },
    el("div", { class: "cell group-cell", role: "gridcell" },
      el("span", { class: "twist", "aria-hidden": "true" }, "›"),
      el("div", { class: "group-text" },
        el("div", { class: "lead" }, heading.severity ? severityBadge(heading.severity) : null, heading.lead),
        el("div", { class: "under mono" }, heading.under)),
      el("div", { class: "tallies" }, tally)));
  row.addEventListener("click", () => { active = at; toggleGroup(group); });
  return row;
}

function groupHeading(value) {
  if (state.group === "check") {
    const check = checkOf(value);
    return { lead: check.title, under: visible(value), severity: check.severity };
  }
  if (state.group === "resource") return { lead: clip(value[1] || value[0], 160), under: clip(value[0], 240) };
  return { lead: clip(accountName(value), 80), under: visible(value) };
}

function toggleGroup(group) {
  if (state.open.has(group.code)) state.open.delete(group.code);
  else state.open.add(group.code);
  arrange();
  drawList();
}

function move(by) {
  if (!itemCount()) return;
  const from = active < 0 ? (by > 0 ? -1 : 0) : active;
  active = Math.max(0, Math.min(itemCount() - 1, from + by));
  bringIntoSight();
  drawRows();
  const item = view.items[active];
  if (!byId("detail").hidden && item >= 0) openFinding(item, false);
}

function bringIntoSight() {
  const top = byId("rows").getBoundingClientRect().top + active * ROW_HEIGHT;
  const above = byId("grid-head").getBoundingClientRect().bottom;
  const below = window.innerHeight - 12;
  if (top < above) window.scrollBy(0, top - above - 4);
  else if (top + ROW_HEIGHT > below) window.scrollBy(0, top + ROW_HEIGHT - below);
}

// A finding may be folded away under a closed heading, or be filtered out.
function activate(i) {
  const at = view.items.indexOf(i);
  if (at >= 0) {
    active = at;
    bringIntoSight();
  }
  drawRows();
}

function drawPrinted() {
  const limit = 1000;
  const rows = Array.from(view.rows.subarray(0, limit), (i) => {
    const resource = resourceOf(i);
    const cells = [STATUS_LABELS[valueOf("status", i)], SEVERITY_LABELS[valueOf("severity", i)], checkOf(valueOf("check_id", i)).title,
      clip(resource.name, 160), `${accountName(valueOf("account_id", i))} ${valueOf("region", i)}`, clip(valueOf("message", i), 300)];
    return el("tr", {}, cells.map((text) => el("td", {}, visible(text))));
  });
  const title = view.rows.length > limit ? `The first ${count(limit)} of ${plural(view.rows.length, "finding")}` : plural(view.rows.length, "finding");
  byId("printed").replaceChildren(el("h2", {}, title), el("table", {},
    el("thead", {}, el("tr", {}, ["Verdict", "Severity", "Check", "Resource", "Where", "Message"].map((word) => el("th", { scope: "col" }, word)))),
    el("tbody", {}, rows)));
}
