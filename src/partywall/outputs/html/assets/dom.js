// Elements are built here and only here: text goes in as text nodes, never as markup.

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (value === true) node.setAttribute(name, "");
    else node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}

const byId = (id) => document.getElementById(id);
const say = (text) => { byId("said").textContent = text; };

const statusBadge = (status) =>
  el("span", { class: `verdict v-${status}` }, el("span", { class: "glyph", "aria-hidden": "true" }, STATUS_GLYPHS[status]), STATUS_LABELS[status]);
const severityBadge = (severity) => el("span", { class: `severity s-${severity}` }, SEVERITY_LABELS[severity] || severity);

async function copyText(text, button) {
  const before = button.textContent;
  let copied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages opened from a file may not have the clipboard API.
    const area = el("textarea", { class: "unseen-label" });
    area.value = text;
    document.body.append(area);
    area.select();
    copied = document.execCommand("copy");
    area.remove();
  }
  button.textContent = copied ? "Copied" : "Press Ctrl+C";
  say(copied ? "Copied" : "Copying is not allowed here");
  setTimeout(() => { button.textContent = before; }, 1400);
}

const copyButton = (text, label = "Copy") => {
  const button = el("button", { type: "button", class: "quiet copy" }, label);
  button.addEventListener("click", () => copyText(text, button));
  return button;
};
