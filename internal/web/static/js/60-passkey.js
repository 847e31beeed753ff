// Passkeys (W3C Web Authentication). A button with data-passkey="signin" or
// "register" fetches options from data-options, hands them to the browser's
// authenticator and sends the answer to data-finish, which says where to go on
// or what went wrong. Without this script the area around it stays hidden.
if (window.PublicKeyCredential && navigator.credentials) {
  for (const area of document.querySelectorAll("[data-passkey-area]")) {
    area.hidden = false;
    for (const button of area.querySelectorAll("button[data-passkey]")) {
      button.hidden = false;
      button.addEventListener("click", () => use(area, button));
    }
  }
  for (const note of document.querySelectorAll("[data-passkey-none]")) note.hidden = true;

  // Enter in the field of a label presses the button.
  for (const form of document.querySelectorAll("form[data-passkey-form]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.querySelector("button[data-passkey]").click();
    });
  }
}

async function use(area, button) {
  if (button.disabled) return;
  const say = (text) => { area.querySelector("[data-passkey-said]").textContent = text ?? ""; };
  const fields = button.dataset;
  button.disabled = true;
  say(area.dataset.saidWait);
  try {
    const options = await post(fields.options);
    const made = fields.passkey === "register"
      ? await navigator.credentials.create({ publicKey: creation(options) })
      : await navigator.credentials.get({ publicKey: request(options) });
    const next = fields.next ? "?next=" + encodeURIComponent(fields.next) : "";
    const body = fields.passkey === "register"
      ? { label: document.getElementById(fields.label).value, response: answer(made) }
      : answer(made);
    go((await post(fields.finish + next, body)).next);
  } catch (error) {
    if (error instanceof Refused) {
      if (error.next) return go(error.next);
      say(error.message || area.dataset.saidFailed);
    } else if (error.name === "NotAllowedError" || error.name === "AbortError") {
      say(area.dataset.saidCancelled);
    } else if (error.name === "InvalidStateError" && area.dataset.saidKnown) {
      say(area.dataset.saidKnown);
    } else {
      say(area.dataset.saidFailed);
    }
    button.disabled = false;
  }
}

// The server names addresses of its own only; this holds it here as well.
function go(next) {
  const address = new URL(next || "/", location.origin);
  location.assign(address.origin === location.origin ? address : "/");
}

class Refused extends Error {}

async function post(address, value) {
  const sent = { method: "POST" };
  if (value) Object.assign(sent, { body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });
  const reply = await fetch(address, sent);
  let said;
  try {
    said = await reply.json();
  } catch {
    throw new Refused(""); // an error page, or the line was cut
  }
  if (!reply.ok) throw Object.assign(new Refused(said.message ?? ""), { next: said.next });
  return said;
}

// What WebAuthn level 3 writes as base64url, older browsers want as bytes
// (sections 5.1.8 and 5.1.9).
function creation(o) {
  return {
    ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) },
    excludeCredentials: (o.excludeCredentials ?? []).map(named),
  };
}

function request(o) {
  return { ...o, challenge: bytes(o.challenge), allowCredentials: (o.allowCredentials ?? []).map(named) };
}

function named(credential) {
  return { ...credential, id: bytes(credential.id) };
}

function answer(made) {
  const r = made.response;
  const response = { clientDataJSON: text(r.clientDataJSON) };
  if (r.attestationObject) {
    response.attestationObject = text(r.attestationObject);
    response.transports = r.getTransports?.() ?? [];
  } else {
    response.authenticatorData = text(r.authenticatorData);
    response.signature = text(r.signature);
    if (r.userHandle) response.userHandle = text(r.userHandle);
  }
  return {
    id: made.id, rawId: text(made.rawId), type: made.type, response,
    authenticatorAttachment: made.authenticatorAttachment ?? undefined,
    clientExtensionResults: made.getClientExtensionResults(),
  };
}

function bytes(base64url) {
  const plain = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
