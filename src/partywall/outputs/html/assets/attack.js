// Attack paths, each drawn from left to right: where it begins, what is done, what is lost.

const ENTRY_TITLES = { internet: "The internet", "other-account": "Another account", "access-key": "A leaked access key", workload: "A compromised workload" };
const TARGET_TITLES = { admin: "Administrator rights", data: "Classified data", secret: "Secrets", "kms-key": "Encryption keys", "backup-vault": "Backups" };
const CERTAINTY_TITLES = { certain: "Certain", possible: "Possible", unknown: "Not known" };
const CERTAINTY_HINTS = {
  certain: "The configuration alone allows it.",
  possible: "Something beside the configuration must hold: a fault in software, a guessed password, a condition.",
  unknown: "It hangs on what could not be read.",
};
const ATTACK_FEW = 20;
const ATTACK_CUTS = 5;
const attack = { data: null, entry: "", target: "", certainty: "", query: "", shown: ATTACK_FEW };

const many = (count, one) => `${count.toLocaleString("en")} ${count === 1 ? one : `${one}s`}`;
const lastPart = (arn) => (arn.startsWith("arn:") ? arn.split(":").slice(5).join(":") : arn);
const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function drawAttackPage(data) {
  attack.data = data;
  byId("attack-page").replaceChildren(
    el("div", { class: "attack-top" }, attackSummary(data), attackMatrix(data)),
    attackCuts(data),
    attackTools(data),
    el("p", { id: "attack-count", class: "attack-count", role: "status", "aria-live": "polite" }),
    el("ol", { id: "attack-list", class: "attack-list" }),
    el("p", { class: "attack-more" }, el("button", { type: "button", id: "attack-more", class: "quiet", on: { click: () => { attack.shown += 50; drawAttackList(); } } }, "Show more")),
    attackUnknown(data));
  drawAttackList();
}

function attackSummary(data) {
  const known = data.paths.filter((path) => path.certainty !== "unknown");
  const internet = known.filter((path) => path.entry === "internet");
  const admin = internet.filter((path) => path.target_kind === "admin");
  const worst = known[0];
  return el("div", { class: "attack-summary" },
    el("h2", {}, known.length ? `${many(data.known, "way")} to what would hurt` : "No way to what would hurt was found"),
    el("p", {}, internet.length
      ? `${upper(many(internet.length, "path"))} can be begun by anybody on the internet${admin.length ? `, ${admin.length} of which end in administrator rights` : ""}.`
      : "None of them can be begun from the internet."),
    worst && el("p", {}, "The worst: ", el("a", { href: "#attack-1", on: { click: (event) => { event.preventDefault(); openAttack(1); } } }, `${worst.entry_name} to ${worst.target_name}`), "."),
    el("p", { class: "attack-legend" }, ["certain", "possible", "unknown"].map((name) =>
      el("span", { title: CERTAINTY_HINTS[name] }, el("i", { class: `attack-mark c-${name}`, "aria-hidden": "true" }), CERTAINTY_TITLES[name]))));
}

function attackMatrix(data) {
  const known = data.paths.filter((path) => path.certainty !== "unknown");
  const entries = Object.keys(ENTRY_TITLES).filter((entry) => known.some((path) => path.entry === entry));
  const targets = Object.keys(TARGET_TITLES).filter((target) => known.some((path) => path.target_kind === target));
  if (!entries.length) return null;
  return el("table", { class: "attack-matrix" },
    el("caption", {}, "Paths, by where they begin and what they reach"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "From"), targets.map((target) => el("th", { scope: "col" }, TARGET_TITLES[target])))),
    el("tbody", {}, entries.map((entry) => el("tr", {}, el("th", { scope: "row" }, ENTRY_TITLES[entry]), targets.map((target) => {
      const found = known.filter((path) => path.entry === entry && path.target_kind === target);
      const worst = Math.max(0, ...found.map((path) => path.score));
      const heat = worst >= 40 ? 4 : worst >= 20 ? 3 : worst >= 8 ? 2 : 1;
      return el("td", {}, found.length
        ? el("button", { type: "button", class: `attack-cell h-${heat}`, "aria-label": `${ENTRY_TITLES[entry]} to ${TARGET_TITLES[target]}: ${many(found.length, "path")}`, on: { click: () => chooseAttack(entry, target) } }, String(found.length))
        : el("span", { class: "attack-none" }, "–"));
    })))));
}

function attackCuts(data) {
  if (!data.cuts.length) return null;
  const last = data.cuts[data.cuts.length - 1].together;
  return el("section", { class: "attack-cuts", "aria-labelledby": "attack-cuts-title" },
    el("h2", { id: "attack-cuts-title" }, "What to change first"),
    el("p", { class: "attack-note" }, `${upper(many(data.cuts.length, "change"))} ${data.cuts.length === 1 ? "cuts" : "cut"} ${last} of ${many(data.known, "path")}${data.smallest ? "; no smaller set cuts as many" : ""}.`),
    el("ol", {}, data.cuts.slice(0, ATTACK_CUTS).map((cut) => attackCut(cut, data.known))),
    data.cuts.length > ATTACK_CUTS ? el("details", { class: "attack-rest" },
      el("summary", {}, `${data.cuts.length - ATTACK_CUTS} more`),
      el("ol", { start: String(ATTACK_CUTS + 1) }, data.cuts.slice(ATTACK_CUTS).map((cut) => attackCut(cut, data.known)))) : null);
}

function attackCut(cut, known) {
  return el("li", {},
    el("span", { class: "attack-cut-text" }, upper(cut.text), el("small", {}, cut.kind, cut.check ? ` · ${cut.check}` : "")),
    el("span", { class: "attack-bar", "aria-hidden": "true" }, attackFill(cut.together / known)),
    el("span", { class: "attack-cut-count" }, `${cut.together} of ${known} cut`, el("small", {}, `${cut.alone} by itself`)));
}

function attackFill(share) {
  const fill = el("i", {});
  fill.style.width = `${Math.max(1, Math.round(100 * share))}%`;
  return fill;
}

function attackTools(data) {
  const pick = (key, label, options) => {
    const select = el("select", { id: `attack-${key}`, on: { change: (event) => { attack[key] = event.target.value; attack.shown = ATTACK_FEW; drawAttackList(); } } },
      el("option", { value: "" }, "all"), Object.entries(options).filter(([name]) => data.paths.some((path) => path[key === "target" ? "target_kind" : key] === name)).map(([name, title]) => el("option", { value: name }, title)));
    return el("label", {}, label, " ", select);
  };
  return el("form", { class: "attack-tools", role: "search", on: { submit: (event) => event.preventDefault() } },
    el("label", { class: "attack-search" }, el("span", { class: "unseen-label" }, "Search paths"),
      el("input", { type: "search", id: "attack-search", placeholder: "Search names, steps, techniques", autocomplete: "off", spellcheck: "false", on: { input: (event) => { attack.query = event.target.value.toLowerCase(); attack.shown = ATTACK_FEW; drawAttackList(); } } })),
    pick("entry", "From", ENTRY_TITLES), pick("target", "To", TARGET_TITLES), pick("certainty", "How sure", CERTAINTY_TITLES));
}

function chooseAttack(entry, target) {
  attack.entry = entry;
  attack.target = target;
  byId("attack-entry").value = entry;
  byId("attack-target").value = target;
  attack.shown = ATTACK_FEW;
  drawAttackList();
  byId("attack-count").scrollIntoView({ behavior: "smooth", block: "start" });
}

function attackMatches(path) {
  if (attack.entry && path.entry !== attack.entry) return false;
  if (attack.target && path.target_kind !== attack.target) return false;
  if (attack.certainty && path.certainty !== attack.certainty) return false;
  if (!attack.query) return true;
  const text = [path.entry_name, path.target_name, path.path_text, path.via_arn, path.techniques.join(" ")].join(" ").toLowerCase();
  return attack.query.split(/\s+/).every((word) => text.includes(word));
}

function drawAttackList() {
  const found = attack.data.paths.filter(attackMatches);
  const cutOff = attack.data.total > attack.data.paths.length ? ` (the worst ${attack.data.paths.length} of ${attack.data.total} are in this page)` : "";
  byId("attack-count").textContent = `${upper(many(found.length, "path"))}${cutOff}`;
  byId("attack-list").replaceChildren(...found.slice(0, attack.shown).map(attackItem));
  byId("attack-more").hidden = found.length <= attack.shown;
}

function attackItem(path) {
  const item = el("li", { class: `attack-path c-${path.certainty}`, id: `attack-${path.rank}` });
  const more = el("button", { type: "button", class: "quiet attack-why", "aria-expanded": "false", on: { click: () => toggleAttack(item, path, more) } }, "Why and what to do");
  item.append(
    el("div", { class: "attack-line" },
      el("span", { class: "attack-rank" }, String(path.rank)),
      el("h3", {}, `${upper(path.entry_name)} to ${path.target_name}`),
      el("span", { class: `attack-sure c-${path.certainty}`, title: CERTAINTY_HINTS[path.certainty] }, CERTAINTY_TITLES[path.certainty]),
      el("span", { class: "attack-score" }, "Likelihood ", el("b", {}, String(path.likelihood)), " · damage ", el("b", {}, String(path.damage))),
      more),
    el("ol", { class: "attack-chain", tabindex: "0", "aria-label": "Steps" },
      el("li", { class: "attack-node attack-entry" }, el("small", {}, "begins at"), el("b", {}, upper(path.entry_name))),
      path.steps.map((step, n) => attackNode(path, step, n))));
  return item;
}

function attackNode(path, step, n) {
  const last = n === path.steps.length - 1;
  return el("li", { class: `attack-node c-${step.certainty}${last ? " attack-target" : ""}` },
    el("small", {}, last ? (TARGET_TITLES[path.target_kind] || "").toLowerCase() : `step ${n + 1}`),
    el("b", {}, step.title),
    el("span", { class: "attack-technique", title: step.technique_name }, step.technique));
}

function toggleAttack(item, path, button) {
  const open = item.querySelector(".attack-detail");
  if (open) open.remove();
  else item.append(attackDetail(path));
  button.setAttribute("aria-expanded", String(!open));
}

function openAttack(rank) {
  attack.entry = attack.target = attack.certainty = attack.query = "";
  for (const key of ["entry", "target", "certainty", "search"]) byId(`attack-${key}`).value = "";
  drawAttackList();
  const item = byId(`attack-${rank}`);
  if (!item) return;
  item.scrollIntoView({ behavior: "smooth", block: "center" });
  if (!item.querySelector(".attack-detail")) item.querySelector(".attack-why").click();
}

function attackDetail(path) {
  const factors = (list, form) => el("ul", {}, list.map((factor) => el("li", {}, el("code", {}, form(factor.weight)), " ", factor.why)));
  return el("div", { class: "attack-detail" },
    el("div", { class: "attack-steps" }, path.steps.map((step, n) => el("section", {},
      el("h4", {}, `${n + 1}. ${step.title}`),
      el("p", {}, step.why),
      el("p", { class: "attack-note" }, `${CERTAINTY_TITLES[step.certainty]} · ${step.technique} ${step.technique_name}`),
      step.evidence.length ? el("ul", { class: "attack-evidence" }, step.evidence.map((line) => el("li", {}, line))) : null))),
    el("div", { class: "attack-reasons" },
      el("h4", {}, "Each of these cuts it"),
      el("ul", {}, path.changes.map((change) => el("li", {}, upper(change.text), change.check_id ? el("small", {}, ` ${change.check_id}`) : null))),
      el("h4", {}, `Likelihood ${path.likelihood} of 100`), factors(path.likelihood_why, (weight) => `×${Math.round(weight * 100) / 100}`),
      el("h4", {}, `Damage ${path.damage} of 100`), factors(path.damage_why, (weight) => `+${weight}`),
      path.routes > 1 ? el("p", { class: "attack-note" }, `${path.routes} routes lead this way; the surest and likeliest is drawn.`) : null));
}

function attackUnknown(data) {
  const open = Object.entries(data.undecided);
  if (!open.length && !data.failed.length) return null;
  return el("section", { class: "attack-open", "aria-labelledby": "attack-open-title" },
    el("h2", { id: "attack-open-title" }, "What could not be decided"),
    el("p", {}, "More paths may lead over what was not read, in Regions that were not scanned or by calls that did not answer."),
    data.failed.length ? el("p", {}, `Calls that did not answer: ${data.failed.join(", ")}.`) : null,
    el("ul", {}, open.map(([what, count]) => el("li", {}, `${upper(what)}: ${count}`))));
}
