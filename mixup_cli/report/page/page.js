"use strict";
const find = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const say = (text) => { find("said").textContent = text; };

// The theme is the system's until the button chooses the other one.
const theme = find("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
const nameTheme = () => { theme.textContent = isDark() ? "Light theme" : "Dark theme"; };
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});
dark.addEventListener("change", nameTheme);
nameTheme();
theme.hidden = false;

// Rows: those that the filters leave, in pages.
const PAGE = 12, cards = all(".card"), list = find("cards");
let shown = PAGE, ordered = "";
function show() {
  const value = (id) => (find(id) ? find(id).value : "");
  const [method, group, order] = ["method", "class", "order"].map(value);
  const mixedness = (card) => Math.abs(card.dataset.lam - 0.5);
  const sorted = order ? [...cards].sort((a, b) => mixedness(a) - mixedness(b)) : cards;
  const left = sorted.filter((card) => (!method || card.dataset.method === method)
    && (!group || card.dataset.classes.split(" ").includes(group)));
  cards.forEach((card) => { card.hidden = true; });
  left.slice(0, shown).forEach((card) => { card.hidden = false; });
  if (order !== ordered) { list.append(...sorted); }
  ordered = order;
  find("more").hidden = left.length <= shown;
  find("count").textContent = left.length ? `Showing ${Math.min(shown, left.length)} of ${left.length}` : "No such row here";
  return left;
}
if (list) {
  all(".filters select").forEach((select) => select.addEventListener("change", () => { shown = PAGE; show(); }));
  find("more").addEventListener("click", () => {
    const before = shown;
    shown += PAGE;
    const next = show()[before];
    if (next) { next.tabIndex = -1; next.focus(); }
  });
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".filters").hidden = false;
  show();
}

// Tabs: arrows, Home and End move between them.
const tabs = all("[role=tab]");
function select(tab, focus) {
  tabs.forEach((each) => {
    each.setAttribute("aria-selected", each === tab);
    each.tabIndex = each === tab ? 0 : -1;
    find(each.getAttribute("aria-controls")).hidden = each !== tab;
  });
  if (focus) { tab.focus(); }
}
tabs.forEach((tab, place) => {
  tab.addEventListener("click", () => select(tab, false));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) { return; }
    event.preventDefault();
    select(tabs.at(to % tabs.length), true);
  });
});
document.querySelector("[role=tablist]").hidden = false;
document.querySelector(".tabs").classList.add("on");
select(tabs[0], false);

// Where the clipboard cannot be written, the text is selected instead.
all(".copier").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
      say("Copied");
    } catch {
      getSelection().selectAllChildren(text);
      say("Selected: copy it with the keyboard");
    }
  });
});
