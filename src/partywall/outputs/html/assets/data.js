// Unpacks the findings: columns of codes into lists of distinct values.

const STATUSES = ["fail", "unknown", "pass", "not_applicable"];
const STATUS_LABELS = { fail: "Fail", unknown: "Unknown", pass: "Pass", not_applicable: "Not applicable" };
const STATUS_GLYPHS = { fail: "✕", unknown: "?", pass: "✓", not_applicable: "–" };
const SEVERITIES = ["critical", "high", "medium", "low", "informational"];
const SEVERITY_LABELS = { critical: "Critical", high: "High", medium: "Medium", low: "Low", informational: "Info" };
const STATE_LABELS = {
  "": "No history", new: "New", open: "Open", reopened: "Reopened", acknowledged: "Acknowledged", in_progress: "In progress", resolved: "Resolved", gone: "Gone", excepted: "Excepted",
};
const FRAMEWORKS = {
  securityhub: "Security Hub", config: "Config rule", "cis-7.0": "CIS 7.0", "cis-6.0": "CIS 6.0", "cis-5.0": "CIS 5.0",
  "cis-3.0": "CIS 3.0", prowler: "Prowler", powerpipe: "Powerpipe",
};

let D;

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function load() {
  const node = document.getElementById("payload");
  const packed = new Blob([bytesOf(node.textContent.trim())]);
  node.remove();
  const raw = await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).json();
  const columns = {};
  for (const [name, column] of Object.entries(raw)) {
    if (column && column.codes) columns[name] = { values: column.values, codes: Uint32Array.from(column.codes) };
  }
  D = {
    n: raw.priority.length,
    scan: raw.scan,
    summary: raw.summary,
    services: raw.services,
    heat: raw.heat,
    unseen: raw.unseen,
    reasons: raw.reasons,
    deniers: raw.deniers,
    checks: raw.checks,
    columns,
    priority: Int16Array.from(raw.priority),
    ids: raw.ids,
    wall: raw.wall,
    compliance: raw.compliance,
    attack: raw.attack,
    threats: raw.threats,
    domainTitles: new Map((raw.wall ? raw.wall.domains : []).map((domain) => [domain.id, domain.title])),
    accounts: new Map(raw.scan.accounts.map((account) => [account.account_id, account])),
  };
  columns.service = derived(columns.check_id, (id) => checkOf(id).service);
  columns.domain = derived(columns.check_id, (id) => checkOf(id).domain);
  const { tables = {}, resources = {} } = (raw.wall && raw.wall.places) || {};
  columns.wall_column = derived(columns.resource, ([arn, name, type]) => resources[`${type} ${arn || name}`] || tables[type] || "");
  D.wallColumns = new Set(columns.wall_column.values);
}

// A column whose value follows from another's.
function derived(column, valueFor) {
  const known = new Map();
  const byCode = column.values.map((value) => {
    const found = valueFor(value);
    if (!known.has(found)) known.set(found, known.size);
    return known.get(found);
  });
  return { values: [...known.keys()], codes: column.codes.map((code) => byCode[code]) };
}

function checkOf(id) {
  const check = D.checks[id];
  if (check) return check;
  return { title: id, table: "", service: id.split("-")[0], severity: "informational", domain: "", why: "", fix: {}, refs: {} };
}

const valueOf = (name, i) => D.columns[name].values[D.columns[name].codes[i]];
const idOf = (i) => D.ids.slice(i * 32, i * 32 + 32);

function indexOfId(prefix) {
  if (!/^[0-9a-f]{8,32}$/.test(prefix)) return -1;
  for (let i = 0; i < D.n; i++) if (D.ids.startsWith(prefix, i * 32)) return i;
  return -1;
}

function resourceOf(i) {
  const [arn, name, type] = valueOf("resource", i);
  return { arn, name: name || arn, type };
}

function accountName(id) {
  const account = D.accounts.get(id);
  return account && account.name ? account.name : id;
}

// Control and invisible characters as escapes, so that no name can pose as another.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
function visible(text) {
  return text.replace(HIDDEN, (c) => {
    const code = c.codePointAt(0);
    return SHORT[c] || (code < 256 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u{" + code.toString(16) + "}");
  });
}
const clip = (text, limit) => visible(text.length > limit ? text.slice(0, limit) + "…" : text);

const numbers = new Intl.NumberFormat("en");
const count = (n) => numbers.format(n);
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many || one + "s"}`;
function percent(part, whole) {
  if (!whole) return "–";
  if (part === 0 || part === whole) return part ? "100%" : "0%";
  return Math.min(99.9, Math.max(0.1, (part / whole) * 100)).toFixed(1) + "%";
}
const day = (seconds) => (seconds ? new Date(seconds * 1000).toISOString().slice(0, 10) : "");
const minute = (seconds) => (seconds ? new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC" : "");

function unknownOf(i) {
  const [operation, region, outcome, code, deniedBy] = valueOf("unknown", i);
  return operation || outcome || code ? { operation, region, outcome, code, deniedBy } : null;
}
function reasonOf(outcome, deniedBy, code) {
  let reason = D.reasons[outcome] || outcome || "no reason was given";
  if (deniedBy) reason += " " + (D.deniers[deniedBy] || "by " + deniedBy);
  return code ? `${reason} (${code})` : reason;
}
