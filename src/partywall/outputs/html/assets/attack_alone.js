// The page by itself: its theme, and its paths.

const ATTACK_THEMES = ["auto", "light", "dark"];
byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = ATTACK_THEMES[(ATTACK_THEMES.indexOf(root.dataset.theme) + 1) % ATTACK_THEMES.length];
  byId("theme").textContent = `Theme: ${root.dataset.theme}`;
});
drawAttackPage(JSON.parse(byId("data").textContent));
