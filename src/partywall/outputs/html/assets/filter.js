// Which findings are shown, in what order and under which headings.

const FACETS = [
  { key: "status", title: "Verdict", column: "status", order: STATUSES, label: (v) => STATUS_LABELS[v] },
  { key: "severity", title: "Severity", column: "severity", order: SEVERITIES, label: (v) => SEVERITY_LABELS[v] },
  { key: "service", title: "Service", column: "service", label: (v) => v },
  { key: "account", title: "Account", column: "account_id", label: accountName },
  { key: "region", title: "Region", column: "region", label: (v) => v || "none" },
  { key: "state", title: "State", column: "state", label: (v) => STATE_LABELS[v] || v },
  { key: "check", title: "Check", column: "check_id", label: (v) => checkOf(v).title },
  { key: "domain", title: "Line of the wall", column: "domain", label: (v) => D.domainTitles.get(v) || v },
  { key: "column", title: "Column of the wall", column: "wall_column", label: (v) => v || "none" },
  { key: "ref", title: "Framework", column: "check_id", label: (v) => refLabel(v) },
];
const FACET_INDEX = Object.fromEntries(FACETS.map((facet, index) => [facet.key, index]));

const GROUPS = { none: "List", check: "By check", resource: "By resource", account: "By account" };
const GROUP_COLUMNS = { check: "check_id", resource: "resource", account: "account_id" };
const SORTS = {
  priority: () => Uint32Array.from({ length: D.n }, (_, i) => i),
  status: () => ranks("status", (v) => STATUSES.indexOf(v)),
  severity: () => ranks("severity", (v) => SEVERITIES.indexOf(v)),
  check: () => ranks("check_id", (v) => checkOf(v).title),
  resource: () => ranks("resource", (v) => v[1] || v[0]),
  account: () => ranks("account_id", accountName),
  region: () => ranks("region", (v) => v),
  since: () => ranks("first_seen", (v) => v),
};

const state = {
  selected: Object.fromEntries(FACETS.map((facet) => [facet.key, new Set()])),
  query: "",
  group: "none",
  sort: "priority",
  down: false,
  open: new Set(),
};
let view = { rows: new Uint32Array(0), items: new Int32Array(0), groups: [], counts: [] };
let refChecks = new Map();
const rankCache = {};
const searchCache = new Map();

function refLabel(ref) {
  const [source, ...rest] = ref.split(":");
  return `${FRAMEWORKS[source] || source} ${rest.join(":")}`;
}

function prepareFilters() {
  const columns = D.columns;
  columns.check_id.values.forEach((id, code) => {
    for (const [source, ids] of Object.entries(checkOf(id).refs)) {
      for (const item of ids) {
        const ref = `${source}:${item}`;
        if (!refChecks.has(ref)) refChecks.set(ref, []);
        refChecks.get(ref).push(code);
      }
    }
  });
  const sources = Object.keys(FRAMEWORKS);
  const place = (ref) => sources.indexOf(ref.split(":")[0]);
  const natural = new Intl.Collator("en", { numeric: true });
  refChecks = new Map([...refChecks].sort(([a], [b]) => place(a) - place(b) || natural.compare(a, b)));
}

function ranks(name, keyOf) {
  const { values, codes } = D.columns[name];
  const keys = values.map(keyOf);
  const order = keys.map((_, code) => code).sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : 0));
  const rank = new Uint32Array(values.length);
  order.forEach((code, position) => {
    const before = position ? order[position - 1] : -1;
    rank[code] = position && keys[before] === keys[code] ? rank[before] : position;
  });
  return codes.map((code) => rank[code]);
}

// Each distinct value is looked at once per word, however many findings share it.
function searched() {
  const words = state.query.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 8);
  if (!words.length) return null;
  const key = words.join(" ");
  if (searchCache.has(key)) return searchCache.get(key);
  const lower = haystacks();
  const hit = new Uint8Array(D.n).fill(1);
  for (const word of words) {
    const found = lower.map(({ texts, codes }) => {
      const matches = new Uint8Array(texts.length);
      for (let v = 0; v < texts.length; v++) if (texts[v].includes(word)) matches[v] = 1;
      return { matches, codes };
    });
    const asId = /^[0-9a-f]{6,32}$/.test(word);
    for (let i = 0; i < D.n; i++) {
      if (!hit[i]) continue;
      let any = asId && D.ids.startsWith(word, i * 32) ? 1 : 0;
      for (let c = 0; c < found.length && !any; c++) any = found[c].matches[found[c].codes[i]];
      hit[i] = any;
    }
  }
  if (searchCache.size > 20) searchCache.clear();
  searchCache.set(key, hit);
  return hit;
}

let haystackCache;
function haystacks() {
  const text = {
    check_id: (id) => {
      const check = checkOf(id);
      const refs = Object.entries(check.refs).flatMap(([source, ids]) => ids.flatMap((v) => [v, `${source}:${v}`, refLabel(`${source}:${v}`)]));
      return [id, check.title, check.domain, check.service, ...refs].join("\n");
    },
    resource: (v) => v.join("\n"),
    message: (v) => v,
    account_id: (v) => `${v}\n${accountName(v)}`,
    region: (v) => v,
    unknown: (v) => v.join("\n"),
    exception: (v) => v,
    state: (v) => v,
    severity: (v) => v,
  };
  haystackCache ||= Object.entries(text).map(([name, of]) => ({
    texts: D.columns[name].values.map((value) => of(value).toLowerCase()),
    codes: D.columns[name].codes,
  }));
  return haystackCache;
}

function allowed(facet) {
  const chosen = state.selected[facet.key];
  if (!chosen.size) return null;
  const values = D.columns[facet.column].values;
  const allow = new Uint8Array(values.length);
  if (facet.key === "ref") for (const ref of chosen) for (const code of refChecks.get(ref) || []) allow[code] = 1;
  else values.forEach((value, code) => { if (chosen.has(value)) allow[code] = 1; });
  return allow;
}

// One pass: a finding that one facet alone turns away still counts for that facet's other choices.
function refresh() {
  const hit = searched();
  const codes = FACETS.map((facet) => D.columns[facet.column].codes);
  const allow = FACETS.map(allowed);
  const counts = FACETS.map((facet) => new Uint32Array(D.columns[facet.column].values.length));
  const rows = new Uint32Array(D.n);
  let kept = 0;
  for (let i = 0; i < D.n; i++) {
    if (hit && !hit[i]) continue;
    let refused = -1;
    let refusals = 0;
    for (let f = 0; f < FACETS.length; f++) {
      if (allow[f] && !allow[f][codes[f][i]]) {
        refused = f;
        if (++refusals > 1) break;
      }
    }
    if (!refusals) {
      rows[kept++] = i;
      for (let f = 0; f < FACETS.length; f++) counts[f][codes[f][i]]++;
    } else if (refusals === 1) counts[refused][codes[refused][i]]++;
  }
  view = { rows: sorted(rows.subarray(0, kept)), counts, groups: [], items: null };
  arrange();
}

function sorted(rows) {
  if (state.sort === "priority") return state.down ? rows.slice().reverse() : rows;
  rankCache[state.sort] ||= SORTS[state.sort]();
  const rank = rankCache[state.sort];
  const sign = state.down ? -1 : 1;
  const keys = new Float64Array(rows.length);
  // The finding's own place breaks ties, so that equals stay ordered by priority.
  rows.forEach((i, at) => { keys[at] = sign * rank[i] * 4194304 + i; });
  keys.sort();
  return Uint32Array.from(keys, (key) => ((key % 4194304) + 4194304) % 4194304);
}

// Lays out headings (negative numbers) and findings under those that are open.
function arrange() {
  if (state.group === "none") {
    view.groups = [];
    view.items = Int32Array.from(view.rows);
    return;
  }
  if (!view.groups.length) view.groups = grouped();
  const size = view.groups.reduce((sum, group) => sum + 1 + (state.open.has(group.code) ? group.rows.length : 0), 0);
  const items = new Int32Array(size);
  let at = 0;
  view.groups.forEach((group, index) => {
    items[at++] = -1 - index;
    if (state.open.has(group.code)) {
      items.set(group.rows, at);
      at += group.rows.length;
    }
  });
  view.items = items;
}

function grouped() {
  const codes = D.columns[GROUP_COLUMNS[state.group]].codes;
  const status = D.columns.status;
  const byCode = new Map();
  for (const i of view.rows) {
    let group = byCode.get(codes[i]);
    if (!group) byCode.set(codes[i], (group = { code: codes[i], rows: [], priority: 0, fail: 0, unknown: 0, pass: 0, not_applicable: 0 }));
    group.rows.push(i);
    group[status.values[status.codes[i]]]++;
    if (D.priority[i] > group.priority) group.priority = D.priority[i];
  }
  return [...byCode.values()].sort((a, b) => b.priority - a.priority || b.fail - a.fail || b.rows.length - a.rows.length);
}
