/**
 * The login page: `<login-form>`. Passphrase or recovery code become a key here, and what is shown to the server is
 * derived from them. A passkey needs neither a name nor anything typed.
 */

import * as api from "./api.js";
import { h, onSubmit } from "./dom.js";
import { logInByPasskey } from "./entry.js";
import { codeField, passphraseField } from "./fields.js";
import { codeOf, secretOf, unlockWith } from "./identity.js";
import { forgetVisit, settle } from "./leaving.js";
import { passkeyForm } from "./passkeyform.js";
import { toBase64url } from "./seal/bytes.js";
import { loginAuth, recoveryAuth } from "./seal/keys.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

class LoginForm extends HTMLElement {
  /** What an earlier visit left is gone before the next one keeps anything. */
  #ready = Promise.resolve();

  connectedCallback() {
    this.#ready = this.#tidy();
    this.#offer(false, "");
  }

  /**
   * Where there is no session, as when a lost device's was ended from elsewhere, nothing of an earlier visit stays. Where
   * there is one, a link on another site led here: browsers follow it without the cookie.
   */
  async #tidy() {
    if (!await settle()) {
      this.append(h("p", { class: "problem", role: "alert" }, say("log_out_owed")));
      return;
    }
    const { open } = await api.get("session").catch(() => ({ open: null }));
    if (open) location.replace("/");
    if (open === false) await forgetVisit();
  }

  /**
   * @param {boolean} byCode
   * @param {string} typedName
   */
  #offer(byCode, typedName) {
    const name = h("input", { id: "name", name: "username", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false", value: typedName });
    const { input: secret, field } = byCode
      ? codeField("code", h("p", { class: "hint" }, say("lost_hint")))
      : passphraseField(say("passphrase"), { id: "passphrase", autocomplete: "current-password" });
    const problem = h("p", { class: "problem", role: "alert" });
    const other = h("button", { type: "button", class: "link" }, say(byCode ? "use_passphrase" : "lost"));
    other.addEventListener("click", () => this.#offer(!byCode, name.value));
    const form = h("form", {},
      h("div", { class: "field" }, h("label", { for: "name" }, say("name")), name),
      field,
      problem,
      h("button", { type: "submit" }, say("log_in")), other);
    onSubmit(form, problem, async () => {
      await this.#ready;
      await (byCode ? logInByCode : logIn)(name.value.trim(), secret.value);
      location.replace("/");
    });
    this.replaceChildren(h("div", {}, form, passkeyForm(async (tell) => {
      await this.#ready;
      await logInByPasskey(() => tell(say("passkey_once_more")));
      location.replace("/");
    })));
    (typedName ? secret : name).focus();
  }
}

/**
 * @param {string} name
 * @param {string} passphrase
 */
async function logIn(name, passphrase) {
  const { params } = await api.post("login/start", { name });
  const secret = await secretOf(passphrase, params);
  await api.post("login", { name, auth: toBase64url(await loginAuth(secret)) });
  const me = await api.me();
  await vault.save(me.user.id, await unlockWith(me, { passphrase, known: { params, secret } }));
  secret.fill(0);
}

/**
 * @param {string} name
 * @param {string} code
 */
async function logInByCode(name, code) {
  const secret = codeOf(code);
  const auth = toBase64url(await recoveryAuth(secret));
  secret.fill(0);
  try {
    await api.post("login", { name, auth });
  } catch (error) {
    // The server says the same to every wrong secret and does not know which one was meant.
    throw error instanceof api.ApiError && error.status === 401 ? new Error(say("wrong_code_login")) : error;
  }
  const me = await api.me();
  await vault.save(me.user.id, await unlockWith(me, { code }));
}

customElements.define("login-form", LoginForm);
