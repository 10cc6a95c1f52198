/** `<unlock-panel>`: there is a session, but this browser lost the key. Passphrase, recovery code or passkey bring it back. */

import { h, onSubmit } from "./dom.js";
import { hasPasskey, unlockByPasskey } from "./entry.js";
import { codeField, passphraseField } from "./fields.js";
import { unlockWith } from "./identity.js";
import { passkeyForm } from "./passkeyform.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

/** @typedef {import("./api.js").Me} Me */

export class UnlockPanel extends HTMLElement {
  /**
   * Ask until it opens.
   * @param {Me} me
   * @returns {Promise<CryptoKey>} the user key, by then kept in this browser again
   */
  ask(me) {
    this.hidden = false;
    return new Promise((resolve) => this.#offer(me, false, (key) => {
      this.hidden = true;
      this.replaceChildren();
      resolve(key);
    }));
  }

  /**
   * @param {Me} me
   * @param {boolean} byCode
   * @param {(key: CryptoKey) => void} opened
   */
  #offer(me, byCode, opened) {
    const { input, field } = byCode
      ? codeField("unlock")
      : passphraseField(say("passphrase"), { id: "unlock", autocomplete: "current-password" });
    const problem = h("p", { class: "problem", role: "alert" });
    const other = h("button", { type: "button", class: "link" }, say(byCode ? "use_passphrase" : "use_code"));
    other.addEventListener("click", () => this.#offer(me, !byCode, opened));
    const form = h("form", {},
      h("h2", {}, say("locked_title")),
      h("p", { class: "hint" }, say("locked_why")),
      h("input", { type: "text", name: "username", autocomplete: "username", value: me.user.name, readonly: true, hidden: true }),
      field,
      problem,
      h("div", { class: "tools" }, h("button", { type: "submit" }, say("unlock")), other));
    const take = async (/** @type {CryptoKey} */ key) => {
      await vault.save(me.user.id, key);
      opened(key);
    };
    onSubmit(form, problem, async () => take(await unlockWith(me, byCode ? { code: input.value } : { passphrase: input.value })));
    const touch = hasPasskey(me) && passkeyForm(async () => take(await unlockByPasskey(me)));
    this.replaceChildren(form, ...(touch ? [touch] : []));
    (touch && !byCode ? touch.querySelector("button") ?? input : input).focus();
  }
}

customElements.define("unlock-panel", UnlockPanel);
