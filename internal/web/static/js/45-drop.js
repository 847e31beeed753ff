// A place with data-drop takes a file that is dropped on it into its file field,
// and says which file it is. Without this script the field alone does.
for (const place of document.querySelectorAll("[data-drop]")) {
  const field = place.querySelector("input[type=file]");
  const chosen = place.querySelector("[data-drop-chosen]");
  place.querySelector("[data-drop-words]").hidden = false;
  let depth = 0;

  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => place.classList.toggle("over", on);
  const tell = () => {
    const file = field.files[0];
    chosen.textContent = file ? file.name : "";
  };

  // The whole window takes it: a file that misses the place by a little must not
  // replace the page.
  window.addEventListener("dragenter", (event) => {
    if (carries(event) && ++depth === 1) mark(true);
  });
  window.addEventListener("dragleave", (event) => {
    if (carries(event) && --depth <= 0) mark((depth = 0) > 0);
  });
  window.addEventListener("dragover", (event) => {
    if (carries(event)) event.preventDefault();
  });
  window.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark((depth = 0) > 0);
    if (event.dataTransfer.files.length === 0) return;
    field.files = event.dataTransfer.files;
    tell();
    field.form.requestSubmit();
  });
  field.addEventListener("change", tell);
}
