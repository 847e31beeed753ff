// A form with data-part is answered where it stands: the answer to "did this
// help you decide?" must not take the result away from who reads it.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-part]");
  if (!form || form.dataset.sent) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  if (event.submitter?.name) body.set(event.submitter.name, event.submitter.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Teiten-Part": "1" } });
    if (!answer.ok) throw new Error(answer.status);
    const thanks = document.createElement("div");
    thanks.innerHTML = await answer.text();
    form.replaceWith(thanks);
  } catch {
    form.dataset.sent = "whole"; // then as without a script
    form.requestSubmit(event.submitter);
  }
});
