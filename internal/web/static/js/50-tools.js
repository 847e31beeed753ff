// Buttons that print the page; without this script the browser's menu does.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// A form with data-sending says so while a large file is on its way, and is
// sent once only.
for (const form of document.querySelectorAll("form[data-sending]")) {
  form.addEventListener("submit", (event) => {
    if (form.querySelector("[data-sent]")) {
      event.preventDefault();
      return;
    }
    const note = document.createElement("p");
    note.dataset.sent = "";
    note.setAttribute("role", "status");
    note.textContent = form.dataset.sending;
    form.append(note);
  });
}
