// A form with data-preview="address" and data-preview-into="id" shows what its
// input becomes while it is written: the server's answer replaces the element.
for (const form of document.querySelectorAll("form[data-preview]")) {
  const into = document.getElementById(form.dataset.previewInto);
  let timer, running;

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 300);
  });

  async function show() {
    running?.abort();
    running = new AbortController();
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string") body.append(name, value); // files wait for the real sending
    }
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body, signal: running.signal });
      if (!answer.ok) throw new Error(answer.status);
      into.innerHTML = await answer.text();
      into.dispatchEvent(new Event("teiten:replaced", { bubbles: true }));
    } catch (error) {
      if (error.name === "AbortError") return;
      const note = document.createElement("p");
      note.className = "hint";
      note.textContent = document.body.dataset.failed;
      into.replaceChildren(note);
    }
  }
}
