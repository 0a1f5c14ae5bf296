// One finding in full: what was seen, why it matters, how to mend it.

const LONGEST = 20000;
const FIX_TITLES = { console: "Console", cli: "AWS CLI", cloudformation: "CloudFormation", terraform: "Terraform" };
let fixTab = "console";
let opener = null;

function openFinding(i, focus = true) {
  const panel = byId("detail");
  if (panel.hidden) opener = document.activeElement;
  selectedRow = i;
  panel.replaceChildren(...detailOf(i));
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add("with-detail");
  drawRows();
  saveHash();
  if (focus) panel.focus({ preventScroll: true });
}

function closeFinding() {
  if (byId("detail").hidden) return;
  byId("detail").hidden = true;
  document.body.classList.remove("with-detail");
  selectedRow = -1;
  drawRows();
  saveHash();
  (opener && document.contains(opener) && opener !== document.body ? opener : byId("grid")).focus({ preventScroll: true });
}

function detailOf(i) {
  const id = valueOf("check_id", i);
  const check = checkOf(id);
  const status = valueOf("status", i);
  return [
    el("div", { class: "detail-bar" },
      el("button", { type: "button", class: "quiet", "aria-label": "Previous finding", on: { click: () => step(-1) } }, "↑"),
      el("button", { type: "button", class: "quiet", "aria-label": "Next finding", on: { click: () => step(1) } }, "↓"),
      copyButton(linkTo(i), "Copy link"),
      el("span", { class: "spring" }),
      el("button", { type: "button", class: "quiet close", "aria-label": "Close", on: { click: closeFinding } }, "✕")),
    el("div", { class: "detail-body" },
      el("p", { class: "badges" }, statusBadge(status), severityBadge(valueOf("severity", i)), el("span", { class: "calm" }, STATE_LABELS[valueOf("state", i)] || "")),
      el("h2", { id: "detail-title" }, check.title),
      el("p", { class: "mono calm" }, visible(id)),
      seen(i, status),
      exceptionOf(i),
      resourceBlock(i),
      check.why ? section("Why it matters", ...paragraphs(check.why)) : null,
      fixOf(check),
      refsOf(check),
      lifecycle(i)),
  ];
}

const section = (title, ...children) => el("section", { class: "part" }, el("h3", {}, title), ...children);
const paragraphs = (text) => text.split(/\n\s*\n/).map((part) => el("p", {}, visible(part.replace(/\s*\n\s*/g, " ").trim())));

function seen(i, status) {
  const message = valueOf("message", i);
  const unknown = unknownOf(i);
  const parts = [];
  if (message) parts.push(el("p", { class: `said said-${status}` }, clip(message, LONGEST)));
  if (status === "unknown") {
    parts.push(el("div", { class: "said said-unknown" },
      el("p", {}, el("strong", {}, "This could not be judged."), unknown ? " A call that it depends on did not answer." : " What it depends on is not known."),
      unknown ? facts([
        ["Call", visible(unknown.operation)],
        ["Region", visible(unknown.region)],
        ["Why", D.reasons[unknown.outcome] || visible(unknown.outcome)],
        ["Error", visible(unknown.code)],
        ["Denied", unknown.deniedBy ? D.deniers[unknown.deniedBy] || visible(unknown.deniedBy) : unknown.outcome === "denied" ? "AWS does not say by whose policy" : ""],
      ]) : null));
  }
  return parts.length ? section(status === "unknown" ? "What is missing" : "What was seen", ...parts) : null;
}

function exceptionOf(i) {
  const reason = valueOf("exception", i);
  return reason ? section("Exception in force", el("p", { class: "said" }, clip(reason, LONGEST))) : null;
}

function facts(pairs) {
  return el("dl", { class: "facts" }, pairs.filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function resourceBlock(i) {
  const resource = resourceOf(i);
  const account = valueOf("account_id", i);
  const name = accountName(account);
  return section("Resource",
    el("p", { class: "mono arn" }, clip(resource.arn, LONGEST)),
    el("p", { class: "row-buttons" }, copyButton(resource.arn, "Copy ARN"),
      el("button", { type: "button", class: "quiet", on: { click: () => { setQuery(resource.arn.slice(0, 200)); state.group = "none"; showOnly({}, true); } } }, "All findings of this resource")),
    facts([
      ["Name", clip(resource.name, 2000)],
      ["Kind", visible(resource.type)],
      ["Account", name === account ? account : `${visible(name)} (${account})`],
      ["Region", visible(valueOf("region", i))],
    ]));
}

function fixOf(check) {
  const tabs = Object.keys(FIX_TITLES).filter((key) => check.fix[key]);
  if (!tabs.length) return null;
  const chosen = tabs.includes(fixTab) ? fixTab : tabs[0];
  const body = el("div", { role: "tabpanel", id: "fix-panel", "aria-labelledby": `fix-${chosen}` });
  const text = check.fix[chosen];
  if (chosen === "console") body.append(...paragraphs(text));
  else body.append(el("div", { class: "code" }, copyButton(text), el("pre", { tabindex: "0" }, el("code", {}, text))));
  const bar = el("div", { class: "segmented", role: "tablist", "aria-label": "How to mend it" }, tabs.map((key) =>
    el("button", { type: "button", role: "tab", id: `fix-${key}`, class: key === chosen ? "on" : "", "aria-selected": String(key === chosen), "aria-controls": "fix-panel", tabindex: key === chosen ? "0" : "-1",
      on: { click: () => chooseFix(key), keydown: (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (by) { event.preventDefault(); event.stopPropagation(); chooseFix(tabs[(tabs.indexOf(chosen) + by + tabs.length) % tabs.length]); }
      } } }, FIX_TITLES[key])));
  return el("section", { class: "part", id: "fix" }, el("h3", {}, "How to mend it"), bar, body);
}

function chooseFix(key) {
  fixTab = key;
  byId("fix").replaceWith(fixOf(checkOf(valueOf("check_id", selectedRow))));
  byId(`fix-${key}`).focus();
}

function refsOf(check) {
  const refs = Object.entries(check.refs).flatMap(([source, ids]) => ids.map((id) => `${source}:${id}`));
  if (!refs.length) return null;
  return section("Known elsewhere as", el("p", { class: "refs" }, refs.map((ref) =>
    el("button", { type: "button", class: "chip", title: "Show the findings of this item", on: { click: () => showOnly({ ref: [ref] }) } }, visible(refLabel(ref))))));
}

function lifecycle(i) {
  const priority = D.priority[i];
  return section("History and priority", facts([
    ["Priority", `${priority} of 100${valueOf("priority_why", i) ? ": " + clip(valueOf("priority_why", i), 1000) : ""}`],
    ["First seen", minute(valueOf("first_seen", i))],
    ["Changed", minute(valueOf("changed_at", i))],
    ["Resolved", minute(valueOf("resolved_at", i))],
    ["Finding", el("code", {}, idOf(i))],
  ]));
}

function step(by) {
  const rows = view.rows;
  if (!rows.length) return;
  const at = view.items.indexOf(selectedRow);
  let next = at;
  do next += by; while (next >= 0 && next < itemCount() && view.items[next] < 0);
  if (next < 0 || next >= itemCount()) return;
  const item = view.items[next];
  openFinding(item, false);
  activate(item);
}
