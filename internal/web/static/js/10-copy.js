// Buttons that copy a value. They are hidden without this script.
for (const button of document.querySelectorAll("[data-copy]")) prepare(button);

function prepare(button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.querySelector("span");
  const before = words.textContent;
  words.textContent = document.body.dataset.copied;
  button.classList.add("copied");
  setTimeout(() => {
    words.textContent = before;
    button.classList.remove("copied");
  }, 2000);
});

document.addEventListener("teiten:replaced", (event) => {
  for (const button of event.target.querySelectorAll("[data-copy]")) prepare(button);
});
