"use strict";
const find = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

// Rows: those that the filters leave, in pages.
const PAGE = 12, cards = all(".card");
let most = PAGE;
function show() {
  const [method, group] = ["method", "class"].map((id) => find(id)?.value);
  const left = cards.filter(({ dataset }) => (!method || dataset.method === method)
    && (!group || dataset.classes.split(" ").includes(group)));
  cards.forEach((card) => { card.hidden = true; });
  left.slice(0, most).forEach((card) => { card.hidden = false; });
  find("more").hidden = left.length <= most;
  find("count").textContent = left.length ? `Showing ${Math.min(most, left.length)} of ${left.length}` : "No such row here";
  return left;
}
if (cards.length) {
  all("select").forEach((select) => select.addEventListener("change", () => { most = PAGE; show(); }));
  find("more").addEventListener("click", () => {
    const next = show()[most];
    most += PAGE;
    show();
    next.tabIndex = -1;
    next.focus();
  });
  all(".filters").forEach((filters) => { filters.hidden = false; });
  show();
}

// Where the clipboard cannot be written, the text is selected instead.
all(".copier").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.previousElementSibling;
    getSelection().selectAllChildren(text);
    button.textContent = await navigator.clipboard.writeText(text.textContent).then(() => "Copied", () => "Selected");
  });
});
