// Ctrl and "/" go to the search box. A letter alone would be pressed by mistake,
// and by those who speak to their computer (WCAG 2.1.4).
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || !(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return;
  if (event.target.closest("dialog")) return;
  const box = document.querySelector("[data-shortcut]");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// A refused form is read from its summary.
document.querySelector("[data-focus]")?.focus();

// Menus close with Escape and with a click elsewhere.
const menus = () => document.querySelectorAll("details.who[open], details.site-menu[open]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
