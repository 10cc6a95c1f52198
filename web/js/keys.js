/**
 * The page of my keys: `<key-desk>`. My fingerprint, my passkeys, another passphrase, and for a lost telephone an end of
 * all other sessions, or new keys.
 */

import * as api from "./api.js";
import { h, onSubmit } from "./dom.js";
import { codeField, passphraseField } from "./fields.js";
import { closedAnew } from "./identity.js";
import { fingerprint } from "./keyring.js";
import { owes } from "./leaving.js";
import { LostDevice } from "./lost.js";
import { newPassphrase } from "./newpassphrase.js";
import { PasskeyDesk } from "./passkeydesk.js";
import { say } from "./words.js";

/** @typedef {import("./api.js").Me} Me */

class KeyDesk extends HTMLElement {
  #passkeys = new PasskeyDesk();
  #passphrase = h("section");
  #others = h("section");

  connectedCallback() {
    void this.#begin();
  }

  async #begin() {
    if (owes()) {
      location.replace("/login"); // which tells the server first
      return;
    }
    try {
      const me = await api.me();
      const print = await fingerprint(me.user.public);
      this.replaceChildren(
        h("p", { class: "lead" }, me.user.name, " · ", say("your_key"), " ", h("span", { class: "print" }, print)),
        h("section", {}, this.#passkeys), this.#passphrase, this.#others);
      this.#offerPassphrase(me, false);
      this.#offerEnd(me);
      await this.#passkeys.show(me);
    } catch (error) {
      if (error instanceof api.ApiError && error.status === 401) location.replace("/login");
      else this.replaceChildren(h("p", { class: "problem", role: "alert" }, error instanceof Error ? error.message : String(error)));
    }
  }

  /**
   * @param {Me} me
   * @param {boolean} byCode
   */
  #offerPassphrase(me, byCode) {
    const { input: now, field } = byCode
      ? codeField("now")
      : passphraseField(say("passphrase_now"), { id: "now", autocomplete: "current-password" });
    const { fields, chosen } = newPassphrase(say("passphrase_new"));
    const problem = h("p", { class: "problem", role: "alert" });
    const other = h("button", { type: "button", class: "link" }, say(byCode ? "use_passphrase" : "use_code"));
    other.addEventListener("click", () => this.#offerPassphrase(me, !byCode));
    const form = h("form", {},
      h("input", { type: "text", name: "username", autocomplete: "username", value: me.user.name, readonly: true, hidden: true }),
      field, other, ...fields, problem,
      h("button", { type: "submit" }, say("passphrase_change")));
    onSubmit(form, problem, async () => {
      const passphrase = chosen();
      const closed = await closedAnew(me, byCode ? { code: now.value } : { passphrase: now.value }, passphrase);
      const { ended } = await api.put("me/passphrase", closed);
      this.#done(this.#passphrase, "passphrase_title", say("passphrase_changed"), ended);
    });
    this.#passphrase.replaceChildren(h("h2", {}, say("passphrase_title")), form);
    if (byCode) now.focus();
  }

  /** @param {Me} me */
  #offerEnd(me) {
    const problem = h("p", { class: "problem", role: "alert" });
    const form = h("form", {}, h("p", { class: "lead" }, say("others_why")), problem,
      h("button", { type: "submit", class: "quiet" }, say("others_end")));
    const anew = h("button", { type: "button", class: "quiet" }, say("new_keys"));
    anew.addEventListener("click", () => this.#offerKeys(me));
    onSubmit(form, problem, async () => {
      const { ended } = await api.post("me/sessions/end");
      this.#done(this.#others, "others_title", "", ended);
    });
    this.#others.replaceChildren(h("h2", {}, say("others_title")), form, h("p", { class: "lead" }, say("new_keys_hint")), anew);
  }

  /** @param {Me} me */
  #offerKeys(me) {
    const lost = new LostDevice(me, () => void this.#begin());
    lost.addEventListener("done", (event) => {
      const section = h("section");
      this.replaceChildren(section);
      this.#done(section, "new_keys", say("new_keys_done"), /** @type {CustomEvent<number>} */ (event).detail);
    });
    this.replaceChildren(lost);
  }

  /**
   * @param {HTMLElement} section
   * @param {import("./words.js").Word} title
   * @param {string} what
   * @param {number} ended sessions
   */
  #done(section, title, what, ended) {
    const told = ended === 0 ? say("others_none") : ended === 1 ? say("others_ended_one") : say("others_ended_n", { n: ended });
    const words = h("p", { class: "lead", role: "status", tabindex: -1 }, what, what && " ", told);
    section.replaceChildren(h("h2", {}, say(title)), words);
    words.focus();
  }
}

customElements.define("key-desk", KeyDesk);
