// Compliance: frameworks with their requirements by state, down to the checks that bear on each.

const PARTS = { aws: "AWS's part", technical: "Technical", process: "Process" };
const shownRules = { framework: 0, states: new Set(), query: "", open: "" };

const stateWord = (state) => D.compliance.states.find(([key]) => key === state)[1];
const stateBadge = (state) => el("span", { class: `standing r-${state}` }, state ? stateWord(state) : "Says nothing by itself");

function drawCompliancePage() {
  const page = byId("compliance-page");
  if (!D.compliance) return;
  page.replaceChildren(
    el("h2", { class: "wall-title" }, "Compliance"),
    el("p", { class: "wall-lead" }, "Each requirement has up to three parts: what AWS must do, what checks can prove of your accounts, and what only people can attest. It is met when every part is. Nothing here is summed into one score."),
    ...D.compliance.limits.map((limit) => el("p", { class: "notice" }, limit)),
    el("ul", { class: "state-key" }, D.compliance.states.map(([state, word, meaning]) => el("li", {}, el("span", { class: `swatch r-${state}`, "aria-hidden": "true" }), el("strong", {}, word), el("span", { class: "calm" }, ` ${meaning}`)))),
    el("div", { class: "rulebook" }, el("div", { id: "frameworks", class: "frameworks", role: "group", "aria-label": "Frameworks" }), el("div", { id: "rules", class: "rules" })));
  drawFrameworks();
  drawRules();
}

function stateBar(states) {
  const present = D.compliance.states.filter(([state]) => states[state]);
  return el("div", { class: "side-bar slim", role: "img", "aria-label": present.map(([state, word]) => `${word}: ${states[state]}`).join(", ") },
    present.map(([state]) => {
      const part = el("span", { class: `side-part r-${state}` });
      part.style.flexGrow = String(states[state]);
      return part;
    }));
}

function drawFrameworks() {
  byId("frameworks").replaceChildren(...D.compliance.frameworks.map((framework, index) => {
    const on = index === shownRules.framework;
    const told = D.compliance.states.filter(([state]) => framework.states[state]).map(([state, word]) => `${count(framework.states[state])} ${word.toLowerCase()}`).join(", ");
    return el("button", { type: "button", class: `framework${on ? " on" : ""}`, "aria-pressed": String(on), on: { click: () => chooseFramework(index) } },
      el("span", { class: "framework-name" }, framework.name, el("span", { class: "calm" }, ` ${framework.version}`)),
      stateBar(framework.states),
      el("span", { class: "calm framework-told" }, told),
      el("span", { class: "calm framework-told" }, `evaluated ${count(framework.evaluated)} of ${count(framework.total)}`));
  }));
}

function chooseFramework(index) {
  Object.assign(shownRules, { framework: index, open: "", query: "" });
  shownRules.states.clear();
  const focused = byId("frameworks").contains(document.activeElement);
  drawFrameworks();
  drawRules();
  if (focused) byId("frameworks").children[index].focus();
}

function drawRules() {
  const framework = D.compliance.frameworks[shownRules.framework];
  const search = el("input", { type: "search", placeholder: "Search ids, titles and checks", "aria-label": "Search requirements", autocomplete: "off", spellcheck: "false", value: shownRules.query, on: { input: (event) => { shownRules.query = event.target.value; drawRuleList(); } } });
  byId("rules").replaceChildren(
    el("div", { class: "rules-head" },
      el("h2", {}, `${framework.name} ${framework.version}`),
      el("p", { class: "calm" }, framework.about),
      el("div", { class: "state-filters", role: "group", "aria-label": "Only these states" }, D.compliance.states.filter(([state]) => framework.states[state]).map(([state, word]) => stateFilter(framework, state, word)))),
    el("div", { class: "search rules-search" }, search),
    el("div", { id: "rule-list", class: "rule-list" }),
    ...outsideOf(framework),
    el("p", { class: "calm stone-source" }, framework.source));
  drawRuleList();
}

function stateFilter(framework, state, word) {
  const on = shownRules.states.has(state);
  return el("button", { type: "button", class: `state-filter${on ? " on" : ""}`, "data-state": state, "aria-pressed": String(on), on: { click: () => {
    if (!shownRules.states.delete(state)) shownRules.states.add(state);
    drawRules();
    byId("rules").querySelector(`[data-state=${state}]`).focus();
  } } }, el("span", { class: `swatch r-${state}`, "aria-hidden": "true" }), `${word} ${count(framework.states[state])}`);
}

const evidenceOf = (rule) => (rule.evidence >= 0 ? D.compliance.lists[rule.evidence] : []);

function ruleMatches(rule, words) {
  if (shownRules.states.size && !shownRules.states.has(rule.state)) return false;
  if (!words.length) return true;
  const text = [rule.id, rule.title, ...evidenceOf(rule).map(([check]) => D.compliance.checks[check][0])].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

function drawRuleList() {
  const framework = D.compliance.frameworks[shownRules.framework];
  const words = shownRules.query.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = framework.requirements.filter((rule) => rule.state && ruleMatches(rule, words));
  const wanted = new Set(kept.map((rule) => rule.id));
  const parents = new Map(framework.requirements.map((rule) => [rule.id, rule]));
  for (const rule of kept) for (let up = parents.get(rule.parent); up && !wanted.has(up.id); up = parents.get(up.parent)) wanted.add(up.id);
  byId("rule-list").replaceChildren(...(kept.length
    ? framework.requirements.filter((rule) => wanted.has(rule.id)).map((rule) => (rule.state ? ruleRow(rule) : headingRow(rule)))
    : [el("p", { class: "none" }, "No requirement matches.")]));
}

const headingRow = (rule) => el("h3", { class: "rule-heading" }, rule.id === rule.title ? rule.id : `${rule.id} ${rule.title}`);

function ruleRow(rule) {
  const open = shownRules.open === rule.id;
  const body = open ? ruleDetail(rule) : null;
  return el("section", { class: `rule${open ? " open" : ""}` },
    el("button", { type: "button", class: "rule-line", "aria-expanded": String(open), on: { click: (event) => toggleRule(rule, event.currentTarget.parentNode) } },
      el("span", { class: "rule-id" }, rule.id), el("span", { class: "rule-title" }, rule.title), stateBadge(rule.state)),
    body);
}

// Only the row is drawn anew, so that the page does not jump.
function toggleRule(rule, node) {
  const before = shownRules.open;
  shownRules.open = before === rule.id ? "" : rule.id;
  if (before && before !== rule.id) drawRuleList();
  const current = before && before !== rule.id ? [...byId("rule-list").querySelectorAll(".rule.open")][0] : node;
  const fresh = ruleRow(rule);
  current.replaceWith(fresh);
  fresh.querySelector("button").focus({ preventScroll: true });
}

function ruleDetail(rule) {
  const { accounts } = D.compliance;
  return el("div", { class: "rule-detail" },
    el("div", { class: "rule-parts" }, rule.parts.map(([kind, state, why, asked]) => el("div", { class: "rule-part" },
      el("h3", {}, PARTS[kind]), stateBadge(state), asked ? el("p", {}, asked) : null, el("p", { class: "calm" }, why)))),
    rule.unprovable ? el("p", { class: "calm" }, `No check proves it: ${rule.unprovable}`) : null,
    evidenceOf(rule).length ? evidenceTable(rule) : null,
    accounts.length ? el("p", { class: "rule-accounts" }, accounts.map((account, index) => el("span", {}, `${accountName(account)} `, stateBadge(rule.accounts[index])))) : null,
    Object.keys(rule.attributes).length ? el("p", { class: "calm stone-source" }, Object.entries(rule.attributes).map(([key, value]) => `${key.replaceAll("_", " ")}: ${value}`).join(" · ")) : null);
}

function evidenceTable(rule) {
  const order = ["fail", "unknown", "excepted", "pass", "not_applicable"];
  const rows = evidenceOf(rule).map(([check, why]) => [D.compliance.checks[check], D.compliance.whys[why]]);
  rows.sort(([a], [b]) => order.indexOf(a[2]) - order.indexOf(b[2]) || (a[0] < b[0] ? -1 : 1));
  return el("div", { class: "scroll-x" }, el("table", { class: "evidence" },
    el("thead", {}, el("tr", {}, ["Check", "Weight", "Verdict", "Pass", "Fail", "Unknown", "Why it bears on this"].map((head, at) => el("th", { scope: "col", class: at > 2 && at < 6 ? "num" : "" }, head)))),
    el("tbody", {}, rows.map(evidenceRow))));
}

function evidenceRow([[id, params, status, passes, fails, unknown, excepted, , lacking], [weight, objective, why]]) {
  const known = D.checks[id];
  const set = Object.entries(params).map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join(", ");
  const name = el("span", { class: "evidence-name" }, known ? known.title : id);
  const title = known && (fails || unknown) ? el("button", { type: "button", class: "link", on: { click: () => showCheck(id) } }, name) : name;
  return el("tr", {},
    el("td", {}, title, el("span", { class: "calm mono" }, ` ${id}`), set ? el("p", { class: "calm" }, `judged with ${set}`) : null, lacking ? el("p", { class: "lacking" }, lacking) : null),
    el("td", { class: "weight" }, weight),
    el("td", {}, status === "excepted" ? "Excepted" : statusBadge(status)),
    el("td", { class: "num" }, count(passes)), el("td", { class: "num" }, count(fails), excepted ? ` + ${count(excepted)} excepted` : ""), el("td", { class: "num" }, count(unknown)),
    el("td", { class: "calm" }, why, objective ? el("span", { class: "mono" }, ` ${objective}`) : null));
}

function showCheck(id) {
  showView("findings");
  showOnly({ status: ["fail", "unknown"], check: [id] });
}

function outsideOf(framework) {
  if (!framework.outside.length && !framework.untold) return [];
  return [el("section", { class: "gaps" },
    framework.outside.length ? [el("h2", {}, "Health information outside eligible services"), el("ul", {}, framework.outside.map((found) =>
      el("li", {}, el("strong", {}, visible(found.resource_name || found.resource_arn || "")), ` ${visible(found.message)}`, el("span", { class: "calm" }, ` · ${found.account_id} ${found.region}`))))] : null,
    framework.untold ? el("p", { class: "calm" }, `The tags of ${plural(framework.untold, "resource")} are not known: they may hold it too.`) : null)];
}
