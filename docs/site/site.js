/* The button copies of an example what is typed, without the prompt and what the commands print. */
document.addEventListener("click", (event) => {
  const button = event.target.closest(".md-code__button[data-clipboard-target]")
  const code = button && document.querySelector(button.dataset.clipboardTarget)
  if (!code?.querySelector(".gp")) return
  const typed = code.cloneNode(true)
  typed.querySelectorAll(".gp, .go").forEach((each) => each.remove())
  button.dataset.clipboardText = typed.textContent.replace(/\n{2,}/g, "\n").trim()
}, true)
