// A button with data-confirm asks in a dialog before its form is sent. Without
// this script the server asks on a page of its own.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (!button || !button.form) return;
  event.preventDefault();

  const dialog = document.createElement("dialog");
  const question = document.createElement("p");
  question.textContent = button.dataset.confirm;
  question.id = "confirm-question";
  dialog.setAttribute("aria-labelledby", question.id);
  const actions = document.createElement("p");
  actions.className = "actions";
  const yes = choice(button.textContent.trim(), button.className);
  const no = choice(document.body.dataset.cancel, "button");
  actions.append(yes, no);
  dialog.append(question, actions);
  document.body.append(dialog);

  dialog.addEventListener("close", () => dialog.remove());
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    const answer = document.createElement("input");
    answer.type = "hidden";
    answer.name = "confirm";
    answer.value = "yes";
    button.form.append(answer);
    delete button.dataset.confirm;
    dialog.close();
    button.form.requestSubmit(button);
  });
  dialog.showModal();
  no.focus();
});

function choice(text, className) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = className;
  button.textContent = text;
  return button;
}
