// An invitation's code comes behind the # of its address, which no server, log
// or mail scanner sees. It goes into the form, and out of the browser's history.
const typed = document.querySelector("[data-fragment] input[name=code]");
if (typed && location.hash.length > 1) {
  if (!typed.value) typed.value = location.hash.slice(1, 200);
  history.replaceState(null, "", location.pathname);
  typed.form.querySelector("button").focus();
}
