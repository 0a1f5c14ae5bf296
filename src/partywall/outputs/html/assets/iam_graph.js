// The attack graph: columns of cards, each with one edge to whom it becomes next.

const DATA = JSON.parse(byId("data").textContent);
const S = DATA.strings;
const WORDS = { certain: "certain", possible: "if conditions hold", unknown: "unknown: not all was read" };
const HOW = { self: "change of own rights", assume: "assumed role", credentials: "another's credentials", trust: "changed trust", "pass-role": "role passed to a service", "take-over": "code run with a role" };
const HEIGHT = 50, ROW = 62, LABEL = 30;
let WIDTH = 262, GAP = 140;
const several = DATA.accounts.length > 1;

const nodes = DATA.nodes.map(([arn, account, sort, certainty, hops, next, own, gaps], id) => ({
  id, arn: S[arn], account, sort, certainty, next, own, gaps: gaps || [], from: [],
  hops: hops.map(([step, source, target, certain, evidence]) => ({
    step: DATA.steps[step], index: step, source: S[source], target: S[target], certain,
    evidence: evidence.map(([action, resource, statements]) => ({ action, resource: S[resource], statements: statements.map((s) => S[s]) })),
  })),
}));
for (const node of nodes) {
  if (node.next >= 0) nodes[node.next].from.push(node.id);
  node.key = node.hops.slice(0, node.own).map((h) => h.index).join(" ");
}
const depths = new Map();
function depth(node) {
  if (node.next < 0) return 0;
  if (!depths.has(node.id)) {
    depths.set(node.id, 1);
    depths.set(node.id, 1 + depth(nodes[node.next]));
  }
  return depths.get(node.id);
}
nodes.forEach((node) => { node.depth = depth(node); });
nodes.forEach((node) => { node.text = [node.arn, ...node.hops.flatMap((h) => [h.step.title, h.step.id, h.target, ...h.evidence.flatMap((e) => [e.action, ...e.statements])])].join("\n").toLowerCase(); });

const short = (arn) => (arn.startsWith("arn:") ? arn.split(":").slice(5).join(":") : arn);
const name = (node) => {
  if (node.sort === "new") return "New administrator rights";
  return node.sort === "raised" ? `${short(node.arn)}, raised` : short(node.arn);
};
const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many || one + "s"}`;

const state = { search: "", certainties: new Set(["certain", "possible", "unknown"]), account: "", step: "", level: "1", zoom: 1, held: null };
let cards = [], cardOf = new Map(), edges = [];

// What is shown.

function matches(node) {
  return node.sort === "principal" && state.certainties.has(node.certainty)
    && (!state.account || node.account === state.account)
    && (state.step === "" || node.hops.some((h) => h.index === Number(state.step)))
    && (!state.search || state.search.split(/\s+/).every((word) => node.text.includes(word)));
}

function shown() {
  const found = new Set();
  for (const node of nodes) {
    if (!node.certainty || !matches(node)) continue;
    for (let at = node; at && !found.has(at.id); at = nodes[at.next]) found.add(at.id);
  }
  return found;
}

function grouped(ids, level) {
  const through = new Set();
  for (const id of ids) if (nodes[id].next >= 0) through.add(nodes[id].next);
  const piles = new Map();
  for (const id of ids) {
    const node = nodes[id];
    const alone = level === "0" || through.has(id) || !node.certainty;
    const key = alone ? `one ${id}` : level === "1" ? `${node.next} ${node.key} ${node.certainty} ${node.account}` : `${node.next} ${node.account}`;
    if (!piles.has(key)) piles.set(key, []);
    piles.get(key).push(node);
  }
  return [...piles.values()].map((members) => ({ members, first: members[0], depth: members[0].depth, next: members[0].next, sources: [] }));
}

function worst(members) {
  return ["certain", "possible", "unknown"].find((c) => members.some((m) => m.certainty === c)) || "";
}

function bestLevel(ids) {
  const tallest = (made) => Math.max(0, ...Object.values(made.reduce((n, c) => ({ ...n, [c.depth]: (n[c.depth] || 0) + 1 }), {})));
  if (tallest(grouped(ids, "0")) <= 14) return "0";
  return tallest(grouped(ids, "1")) <= 60 ? "1" : "2";
}

// Where it is put: a target beside the block of those who become it.

function layout() {
  cards = grouped(shown(), state.level);
  cardOf = new Map();
  for (const card of cards) for (const member of card.members) cardOf.set(member.id, card);
  const weight = (card) => card.members.length + card.sources.reduce((n, s) => n + s.weight, 0);
  for (const card of cards) if (card.next >= 0) cardOf.get(card.next).sources.push(card);
  for (const card of [...cards].sort((a, b) => b.depth - a.depth)) card.weight = weight(card);
  const most = Math.max(1, ...cards.map((c) => c.depth));
  GAP = most > 2 ? 76 : 140;
  WIDTH = Math.min(400, Math.max(206, Math.floor((byId("pane").clientWidth - 50 - most * GAP) / (most + 1))));
  const cursor = Array(most + 1).fill(0);
  const rank = { certain: 0, possible: 1, unknown: 2, "": 3 };
  function place(card) {
    const own = card.sources.sort((a, b) => b.depth - a.depth || rank[worst(a.members)] - rank[worst(b.members)] || b.weight - a.weight || (a.first.arn < b.first.arn ? -1 : 1));
    // A block of sources starts no higher than the place that is free for their target.
    for (const source of own) {
      cursor[source.depth] = Math.max(cursor[source.depth], cursor[card.depth] - (own.length - 1) * ROW / 2);
      place(source);
    }
    const wanted = own.length ? Math.min((own[0].y + own[own.length - 1].y) / 2, own[0].y + 4 * ROW) : 0;
    card.y = Math.max(cursor[card.depth], wanted);
    cursor[card.depth] = card.y + ROW;
    card.x = (most - card.depth) * (WIDTH + GAP);
  }
  const roots = cards.filter((c) => c.depth === 0).sort((a, b) => (a.first.account < b.first.account ? -1 : a.first.account > b.first.account ? 1 : b.weight - a.weight));
  const labels = [];
  for (const root of roots) {
    if (several && root.first.account !== labels[labels.length - 1]?.account) {
      const y = Math.max(...cursor) + (labels.length ? 14 : 0);
      labels.push({ account: root.first.account, y });
      cursor.fill(y + LABEL);
    }
    place(root);
  }
  return { most, height: Math.max(...cursor, 1), labels };
}

function words(card) {
  const first = card.first;
  if (card.members.length === 1) {
    if (first.certainty) return [name(first), abroad(card, doing(first))];
    return [name(first), { admin: "is an administrator", new: "made by the principal itself", raised: "made an administrator by its takers" }[first.sort]];
  }
  const kinds = new Set(card.members.map((m) => m.key));
  const what = kinds.size > 1 ? `${kinds.size} ways to ${name(nodes[card.next])}` : doing(first);
  return [pile(card.members), abroad(card, what)];
}

const abroad = (card, what) => (card.next >= 0 && nodes[card.next].account !== card.first.account ? `${card.first.account} · ${what}` : what);

function pile(members) {
  const roles = members.filter((m) => m.arn.includes(":role/")).length, users = members.length - roles;
  return [users && count(users, "user"), roles && count(roles, "role")].filter(Boolean).join(", ");
}

const doing = (node) => node.hops.slice(0, node.own).map((h) => h.step.title).join(", then ");

// Drawing.

const SVG = "http://www.w3.org/2000/svg";

function draw() {
  const { most, height, labels } = layout();
  const canvas = byId("canvas"), width = most * (WIDTH + GAP) + WIDTH + 30;
  canvas.replaceChildren();
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height + 20}px`;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("aria-hidden", "true");
  canvas.append(svg, ...labels.map(({ account, y }) => {
    const label = el("h3", { class: "account" }, `Account ${account}`);
    label.style.top = `${y}px`;
    return label;
  }));
  edges = [];
  for (const card of cards) {
    if (card.next < 0) continue;
    const target = cardOf.get(card.next);
    const path = document.createElementNS(SVG, "path");
    const x = card.x + WIDTH, y = card.y + HEIGHT / 2, tx = target.x, ty = target.y + HEIGHT / 2, bend = Math.min(GAP * 0.62, (tx - x) * 0.6);
    path.setAttribute("d", `M${x},${y} C${x + bend},${y} ${tx - bend},${ty} ${tx},${ty}`);
    path.setAttribute("class", `edge ${worst(card.members)}`);
    path.setAttribute("stroke-width", Math.min(7, 1.3 + Math.log2(card.weight) * 0.8));
    svg.append(path);
    edges.push({ path, card, target });
  }
  for (const card of [...cards].sort((a, b) => a.x - b.x || a.y - b.y)) {
    const [title, under] = words(card), certainty = worst(card.members);
    const through = card.weight - card.members.length;
    const label = `${title}. ${under}. ${certainty ? WORDS[certainty] : ""}${through ? `. ${count(through, "principal")} through it` : ""}`;
    card.button = el("button", {
      type: "button", class: `card ${certainty} ${certainty ? "" : card.first.sort}${card.members.length > 1 ? " pile" : ""}`, "aria-label": label, title: `${title}\n${under}`,
      on: { mouseenter: () => light(card), mouseleave: () => light(state.held), focus: () => light(card), click: () => hold(card) },
    }, el("b", {}, title), el("span", {}, under), through > 0 && el("i", { class: "count", "aria-hidden": "true" }, `← ${through}`));
    card.button.style.width = `${WIDTH}px`;
    card.button.style.left = `${card.x}px`;
    card.button.style.top = `${card.y}px`;
    canvas.append(card.button);
  }
  heads(most);
  const empty = cards.length === 0;
  byId("nothing").hidden = !empty;
  byId("nothing").textContent = nodes.some((n) => n.certainty) ? "Nothing matches. Take a filter away, or press Esc in the search." : "Nobody becomes an administrator who is none, as far as was read.";
  if (state.held) {
    const again = cardOf.get(state.held.first.id);
    state.held = again || null;
  }
  light(state.held);
}

function heads(most) {
  const made = [];
  for (let d = most; d >= 0; d -= 1) {
    const n = cards.filter((c) => c.depth === d).reduce((sum, c) => sum + c.members.length, 0);
    const head = el("h3", {}, d === 0 ? "Administrators reached" : `${count(d, "step")} away · ${n}`);
    head.style.left = `${(most - d) * (WIDTH + GAP) * state.zoom}px`;
    made.push(head);
  }
  byId("heads").replaceChildren(...(cards.length ? made : []));
}

function light(card) {
  const canvas = byId("canvas");
  canvas.classList.toggle("lit", Boolean(card));
  const on = new Set();
  if (card) {
    for (let at = card; at && !on.has(at); at = cardOf.get(at.next)) on.add(at);
    const up = [...card.sources];
    while (up.length) {
      const next = up.pop();
      if (on.has(next)) continue;
      on.add(next);
      up.push(...next.sources);
    }
  }
  for (const each of cards) {
    each.button.classList.toggle("on", on.has(each));
    each.button.classList.toggle("held", each === state.held);
  }
  for (const { path, card: source, target } of edges) path.classList.toggle("on", on.has(source) && on.has(target));
}

function hold(card) {
  state.held = card;
  light(card);
  if (!card) overview();
  else if (card.members.length > 1) alike(card);
  else one(card.first);
}

function setZoom(zoom) {
  state.zoom = Math.min(2, Math.max(0.2, zoom));
  byId("canvas").style.zoom = state.zoom;
  heads(Math.max(1, ...cards.map((c) => c.depth)));
}

const SMALLEST = 0.72;

function fit() {
  const pane = byId("pane"), canvas = byId("canvas");
  setZoom(Math.min(1, (pane.clientWidth - 40) / parseFloat(canvas.style.width), (pane.clientHeight - 60) / parseFloat(canvas.style.height)));
}

// Details.

function show(...children) {
  byId("detail").replaceChildren(...children.flat(Infinity).filter(Boolean));
  byId("detail").scrollTop = 0;
}

function find(node) {
  if (!cardOf.has(node.id)) clearFilters();
  const card = cardOf.get(node.id);
  if (!card) return one(node);
  if (card.members.length > 1) {
    state.held = card;
    light(card);
    one(node, card);
  } else hold(card);
  card.button.scrollIntoView({ block: "center", inline: "nearest" });
}

const row = (node, right) => el("button", { type: "button", class: "row", on: { click: () => find(node) } },
  el("span", {}, name(node), several && el("span", { class: "calm" }, ` ${node.account}`)), el("span", { class: "num" }, right || ""));

function many(title, members, right) {
  const most = 150;
  return [el("h3", {}, title), el("div", { class: "rows" }, members.slice(0, most).map((m) => row(m, right && right(m)))),
    members.length > most && el("p", { class: "hint" }, `and ${members.length - most} more: search to narrow them down`)];
}

function overview() {
  const told = nodes.filter((n) => n.certainty);
  show(
    el("h2", {}, "Where to cut"),
    el("p", { class: "hint" }, "Choose a card to see its path. Thick edges carry many."),
    DATA.grants.length && [el("h3", {}, DATA.grants.some((g) => g[3]) ? "Grants whose removal cuts most" : "Grants on most paths"), el("div", { class: "rows" }, DATA.grants.map(([policy, action, passing, cut, [holder], holders]) => el("div", { class: "row" }, el("span", {}, el("span", { class: "mono" }, action), el("br"), el("span", { class: "calm" }, short(policy) + (holder ? ` of ${short(holder)}` : "") + (holders > 1 ? ` and ${count(holders - 1, "other")}` : ""))), el("span", { class: "num" }, cut ? `cuts ${cut} of ${told.length}` : `on ${count(passing, "path")}`))))],
    DATA.chokes.length && [el("h3", {}, "On the way of most"), el("div", { class: "rows" }, DATA.chokes.map(([id, passing, cut]) => row(nodes[id], cut ? `cuts ${cut} of ${told.length}` : `on ${count(passing, "path")}`)))],
    steps(told),
    DATA.not_read.length && [el("h3", {}, "Not read everywhere"), el("p", { class: "hint" }, DATA.not_read.join(", "))],
    DATA.assumptions.length && [el("h3", {}, "Assumed"), el("ul", { class: "hint" }, DATA.assumptions.map((a) => el("li", {}, a)))],
  );
}

function steps(told) {
  const tally = new Map();
  for (const node of told) for (const h of node.hops.slice(0, node.own)) tally.set(h.index, (tally.get(h.index) || 0) + 1);
  const listed = [...tally].sort((a, b) => b[1] - a[1]).slice(0, 8);
  return listed.length && [el("h3", {}, "First steps taken"), el("div", { class: "rows" }, listed.map(([index, n]) => el("button", {
    type: "button", class: "row", on: { click: () => { byId("step").value = String(index); refresh(); } },
  }, el("span", {}, DATA.steps[index].title), el("span", { class: "num" }, String(n)))))];
}

function alike(card) {
  const names = new Set(card.members.map((m) => m.key));
  show(
    el("h2", {}, pile(card.members)),
    el("p", { class: "hint" }, names.size > 1 ? `${names.size} ways to ${name(nodes[card.next])}` : `They take the same steps to ${name(nodes[card.next])}.`),
    names.size === 1 && path(card.first),
    many(count(card.members.length, "principal"), card.members, (m) => (names.size > 1 ? m.hops[0].step.title : "")),
  );
}

function one(node, card) {
  const from = node.from.map((id) => nodes[id]);
  show(
    card && el("p", {}, el("button", { type: "button", class: "link", on: { click: () => hold(card) } }, `← ${pile(card.members)} alike`)),
    el("h2", {}, name(node)),
    el("p", { class: "arn" }, node.arn, " ", el("button", { type: "button", class: "quiet", on: { click: (e) => copyText(node.arn, e.target) } }, "Copy")),
    node.certainty ? el("p", { class: "hint" }, el("span", { class: `tag ${node.certainty}` }, WORDS[node.certainty]), ` ${count(node.hops.length, "step")} from administrator rights`)
      : el("p", { class: "hint" }, { admin: "Is an administrator.", raised: "Is made an administrator by those on the left, who can also become it.", new: `Made by the principal itself in account ${node.account}.` }[node.sort]),
    node.gaps.length > 0 && el("p", { class: "hint" }, `Not read: ${node.gaps.join(", ")}`),
    node.certainty && path(node),
    from.length > 0 && many(`${count(from.length, "principal")} become${from.length === 1 ? "s" : ""} it directly`, from, (m) => m.hops[0].step.title),
  );
}

function path(node) {
  return [el("h3", {}, "Path"), el("ol", {}, node.hops.map((h) => el("li", { class: "hop" },
    el("b", {}, h.step.title), !h.certain && el("span", { class: "tag possible" }, "conditions open"),
    h.target && el("p", { class: "to" }, "→ ", short(h.target), several && el("span", { class: "calm" }, ` ${h.target.split(":")[4]}`)),
    el("dl", {}, h.evidence.map((e) => [el("dt", {}, e.action, e.resource && e.resource !== "*" ? el("span", { class: "calm" }, ` on ${short(e.resource)}`) : null),
      el("dd", {}, e.statements.length ? e.statements.map(short).join(", ") : "by what the step before gives")])),
    el("p", {}, HOW[h.step.how] ? `${HOW[h.step.how][0].toUpperCase()}${HOW[h.step.how].slice(1)}. ` : "", h.step.why), el("p", {}, `Fix: ${h.step.fix}`))))];
}

// Tools.

function refresh() {
  state.search = byId("search").value.trim().toLowerCase();
  state.account = byId("account").value;
  state.step = byId("step").value;
  state.level = byId("level").value;
  draw();
  const n = cards.reduce((sum, c) => sum + c.members.filter((m) => m.certainty && matches(m)).length, 0);
  say(`${count(n, "principal")} shown`);
}

function clearFilters() {
  byId("search").value = byId("account").value = byId("step").value = "";
  state.certainties = new Set(["certain", "possible", "unknown"]);
  chips();
  refresh();
}

function chips() {
  byId("certainties").replaceChildren(byId("certainties").firstElementChild, ...["certain", "possible", "unknown"].map((c) => {
    const n = nodes.filter((m) => m.certainty === c).length;
    return n > 0 && el("button", {
      type: "button", class: "chip", "aria-pressed": String(state.certainties.has(c)),
      on: { click: () => { if (!state.certainties.delete(c)) state.certainties.add(c); chips(); refresh(); } },
    }, el("i", { class: `dash ${c}`, "aria-hidden": "true" }), `${n} ${c}`);
  }).filter(Boolean));
}

function move(key) {
  const at = cards.find((c) => c.button === document.activeElement);
  if (!at) return cards.length && [...cards].sort((a, b) => a.x - b.x || a.y - b.y)[0].button.focus();
  let next = null;
  if (key === "ArrowRight") next = cardOf.get(at.next);
  else if (key === "ArrowLeft") next = [...at.sources].sort((a, b) => Math.abs(a.y - at.y) - Math.abs(b.y - at.y))[0];
  else {
    const column = cards.filter((c) => c.x === at.x).sort((a, b) => a.y - b.y);
    next = column[column.indexOf(at) + (key === "ArrowDown" ? 1 : -1)];
  }
  if (next) {
    next.button.focus({ preventScroll: true });
    next.button.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  return next;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select");
  if (event.key === "Escape") {
    if (typing && byId("search").value) clearFilters();
    event.target.blur();
    hold(null);
  } else if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.key === "/") {
    event.preventDefault();
    byId("search").focus();
  } else if (event.key.startsWith("Arrow") && !event.target.closest(".detail")) {
    event.preventDefault();
    move(event.key);
  } else if (event.key === "+") setZoom(state.zoom * 1.2);
  else if (event.key === "-" || event.key === "−") setZoom(state.zoom / 1.2);
  else if (event.key === "0") setZoom(1);
});

const THEMES = ["auto", "light", "dark"];
byId("theme").addEventListener("click", () => {
  const root = document.documentElement, next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % 3];
  root.dataset.theme = next;
  byId("theme").textContent = `Theme: ${next}`;
});
byId("keys").addEventListener("click", () => {
  const list = byId("key-list");
  list.hidden = !list.hidden;
  byId("keys").setAttribute("aria-expanded", String(!list.hidden));
});
byId("tools").addEventListener("submit", (event) => event.preventDefault());
let typed = 0;
byId("search").addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(refresh, 120); });
for (const id of ["account", "step", "level"]) byId(id).addEventListener("change", refresh);
byId("larger").addEventListener("click", () => setZoom(state.zoom * 1.2));
byId("smaller").addEventListener("click", () => setZoom(state.zoom / 1.2));
byId("fit").addEventListener("click", fit);

function start() {
  const told = nodes.filter((n) => n.certainty), admins = nodes.filter((n) => n.sort === "admin").length;
  byId("summary").append(el("b", {}, told.length.toLocaleString("en")), ` of ${count(DATA.principals, "principal")} ${told.length === 1 ? "becomes an administrator" : "become administrators"}; `, el("b", {}, String(admins)), admins === 1 ? " is one already" : " are already");
  byId("account").append(el("option", { value: "" }, "all"), ...[...new Set(told.map((n) => n.account))].sort().map((a) => el("option", { value: a }, a)));
  byId("account").parentElement.hidden = !several;
  const used = [...new Set(told.flatMap((n) => n.hops.map((h) => h.index)))].sort((a, b) => (DATA.steps[a].title < DATA.steps[b].title ? -1 : 1));
  byId("step").append(el("option", { value: "" }, "any"), ...used.map((i) => el("option", { value: String(i) }, DATA.steps[i].title)));
  byId("level").value = bestLevel(shown());
  chips();
  refresh();
  overview();
  // Who is reached stands at the right end: in sight from the beginning, as far as the cards stay readable.
  fit();
  if (state.zoom < SMALLEST) setZoom(SMALLEST);
  byId("pane").scrollLeft = byId("pane").scrollWidth;
}
start();
