// The filters at the side, with how many findings each choice would show.

const LONG_FACET = 12;
const SHOWN_CHOICES = 120;
const facetState = Object.fromEntries(FACETS.map((facet, at) => [facet.key, { open: at < 5, filter: "" }]));

function choices(facet) {
  const counts = view.counts[FACET_INDEX[facet.key]];
  const values = D.columns[facet.column].values;
  if (facet.key === "ref") {
    return [...refChecks].map(([ref, codes]) => ({ value: ref, count: codes.reduce((sum, code) => sum + counts[code], 0) }));
  }
  const found = values.map((value, code) => ({ value, count: counts[code] }));
  if (facet.order) return found.sort((a, b) => facet.order.indexOf(a.value) - facet.order.indexOf(b.value));
  return found.sort((a, b) => b.count - a.count || (facet.label(a.value) < facet.label(b.value) ? -1 : 1));
}

function drawFacets() {
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.choice : "";
  const scrolled = [...byId("facets").querySelectorAll(".choices")].map((list) => [list.dataset.facet, list.scrollTop]);
  const top = byId("facets").scrollTop;
  byId("facets").replaceChildren(...FACETS.map(drawFacet));
  byId("facets").scrollTop = top;
  for (const [key, offset] of scrolled) {
    const list = byId("facets").querySelector(`.choices[data-facet=${key}]`);
    if (list) list.scrollTop = offset;
  }
  if (focused) {
    const again = [...byId("facets").querySelectorAll("input")].find((input) => input.dataset.choice === focused);
    if (again) again.focus({ preventScroll: true });
  }
}

function drawFacet(facet) {
  const chosen = state.selected[facet.key];
  const own = facetState[facet.key];
  const details = el("details", { class: "facet", open: own.open || chosen.size > 0 });
  details.append(el("summary", {}, facet.title, chosen.size ? el("span", { class: "facet-chosen" }, count(chosen.size)) : ""));
  const fill = () => {
    const all = choices(facet);
    const list = el("div", { class: "choices", role: "group", "aria-label": facet.title, "data-facet": facet.key });
    const draw = () => {
      const wanted = own.filter.toLowerCase();
      const matching = all.filter(({ value }) => chosen.has(value) || !wanted || facet.label(value).toLowerCase().includes(wanted));
      list.replaceChildren(
        ...matching.slice(0, SHOWN_CHOICES).map((choice) => drawChoice(facet, choice)),
        matching.length > SHOWN_CHOICES ? el("p", { class: "calm" }, `${count(matching.length - SHOWN_CHOICES)} more: type to narrow`) : "");
    };
    if (all.length > LONG_FACET) {
      const input = el("input", { type: "search", class: "facet-search", placeholder: `Find ${facet.title.toLowerCase()}`, "aria-label": `Find ${facet.title.toLowerCase()}`, "data-choice": `find ${facet.key}` });
      input.value = own.filter;
      input.addEventListener("input", () => { own.filter = input.value; draw(); });
      details.append(input);
    }
    details.append(list);
    draw();
  };
  if (details.open) fill();
  details.addEventListener("toggle", () => {
    own.open = details.open;
    if (details.open && details.children.length === 1) fill();
  });
  return details;
}

function drawChoice(facet, { value, count: matches }) {
  const chosen = state.selected[facet.key];
  const input = el("input", { type: "checkbox", "data-choice": `${facet.key} ${value}` });
  input.checked = chosen.has(value);
  input.addEventListener("change", () => {
    if (input.checked) chosen.add(value);
    else chosen.delete(value);
    update();
  });
  const label = clip(facet.label(value), 120);
  return el("label", { class: `choice ${matches ? "" : "empty"} c-${facet.key}-${FACET_INDEX[facet.key] < 2 ? value : "x"}`, title: label === value ? label : `${label} (${visible(value)})` },
    input, el("span", { class: "choice-label" }, label), el("span", { class: "choice-count" }, count(matches)));
}

function drawChips() {
  const chips = [];
  for (const facet of FACETS) {
    for (const value of state.selected[facet.key]) {
      const label = clip(facet.label(value), 60);
      chips.push(el("button", { type: "button", class: "chip", "aria-label": `Remove filter ${facet.title}: ${label}`, on: { click: () => { state.selected[facet.key].delete(value); update(); } } },
        el("span", { class: "chip-facet" }, facet.title), label, el("span", { "aria-hidden": "true" }, " ×")));
    }
  }
  if (chips.length > 1) chips.push(el("button", { type: "button", class: "link", on: { click: clearFilters } }, "Clear"));
  byId("chips").replaceChildren(...chips);
  const of = view.counts[0];
  const status = D.columns.status.values;
  const parts = STATUSES.map((name) => [name, state.selected.status.size && !state.selected.status.has(name) ? 0 : of[status.indexOf(name)] || 0])
    .filter(([, n]) => n).map(([name, n]) => `${count(n)} ${STATUS_LABELS[name].toLowerCase()}`);
  const unlisted = D.summary.counts.reduce((sum, n) => sum + n, 0) - D.n;
  byId("shown").textContent = `${plural(view.rows.length, "finding")}${parts.length > 1 ? ": " + parts.join(", ") : ""}`;
  byId("shown").title = unlisted > 0 ? `${count(unlisted)} further verdicts are counted above but have no row in this report.` : "";
}

function clearFilters() {
  for (const facet of FACETS) state.selected[facet.key].clear();
  setQuery("");
  update();
}

function setQuery(query) {
  state.query = query;
  byId("search").value = query;
}

function showOnly(wanted, keepQuery = false) {
  for (const facet of FACETS) state.selected[facet.key] = new Set(wanted[facet.key] || []);
  if (!keepQuery) setQuery("");
  update();
  byId("explorer").scrollIntoView({ block: "start" });
}
