// The form for new information: what the script adds to a form that works
// without it.
const form = document.querySelector("form.register");
if (form) {
  const preview = document.getElementById("preview");
  const said = form.querySelector("[data-preview-said]");
  form.querySelector(".preview-button").hidden = true; // the preview follows by itself

  // What a notice is about is asked of notices only.
  const kind = form.querySelector(".notice-kind");
  const showKind = () => {
    kind.hidden = form.elements.category.value !== "notice";
  };
  form.addEventListener("change", showKind);
  showKind();

  // A suggested technique is chosen in the list of all of them, which keeps it
  // when the preview is replaced.
  preview.addEventListener("change", (event) => {
    if (!("technique" in event.target.dataset)) return;
    for (const box of form.querySelectorAll('[name="techniques"]:not([data-technique])')) {
      if (box.value !== event.target.value) continue;
      box.checked = event.target.checked;
      for (let d = box.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    }
  });

  // The preview is replaced while somebody uses it: the focus and what was
  // opened stay, and the summary is said.
  let focused, opened;
  preview.addEventListener("focusin", (event) => {
    focused = { name: event.target.name, value: event.target.value };
  });
  preview.addEventListener("focusout", (event) => {
    if (event.relatedTarget) focused = undefined;
  });
  preview.addEventListener("toggle", (event) => { opened = event.target.open; }, true);
  preview.addEventListener("teiten:replaced", () => {
    const details = preview.querySelector("details");
    if (details && opened) details.open = true;
    const words = preview.querySelector("[data-preview-summary]")?.textContent ?? "";
    if (said.textContent !== words) said.textContent = words;
    if (!focused || document.activeElement !== document.body) return;
    for (const box of preview.querySelectorAll("input")) {
      if (box.name === focused.name && box.value === focused.value) box.focus();
    }
  });
}
