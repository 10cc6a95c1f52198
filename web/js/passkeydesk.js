/** `<passkey-desk>`: my passkeys, on the page of my keys: what there is, one more, one less. */

import { addPasskey, neutralName } from "./addpasskey.js";
import * as api from "./api.js";
import { FieldError, h, onSubmit } from "./dom.js";
import { codeField, passphraseField } from "./fields.js";
import { forget } from "./known.js";
import { disown, whyNone } from "./passkey.js";
import { fromBase64url } from "./seal/bytes.js";
import { locale, say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Passkey} Passkey
 */

/** Characters of a name; the server takes no more. */
const LONGEST = 80;

const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });

export class PasskeyDesk extends HTMLElement {
  #list = h("ul", { class: "passkeys", "aria-labelledby": "passkeys" });
  #told = h("p", { class: "lead", role: "status", tabindex: -1 });
  #place = h("div");

  /**
   * @param {Me} me
   * @throws {api.ApiError}
   */
  async show(me) {
    this.replaceChildren(
      h("h2", { id: "passkeys" }, say("passkeys_title")), h("p", { class: "lead" }, say("passkeys_why")),
      this.#list, this.#told, this.#place);
    await this.#refresh(me);
    this.#offer(me);
  }

  /** @param {Me} me */
  async #refresh(me) {
    const { passkeys } = await api.get("me/passkeys");
    this.#list.replaceChildren(...passkeys.map((/** @type {Passkey} */ each) => this.#item(me, each)));
    this.#list.hidden = passkeys.length === 0;
    if (passkeys.length === 0) forget(me.user.id);
  }

  /**
   * @param {Me} me
   * @param {Passkey} passkey
   */
  #item(me, passkey) {
    const used = passkey.used_at ? say("passkey_used", { day: day.format(new Date(passkey.used_at)) }) : say("passkey_unused");
    const text = h("div", {}, h("bdi", { class: "name" }, passkey.name),
      h("p", { class: "hint" }, say("passkey_added", { day: day.format(new Date(passkey.added_at)) }), " · ", used));
    const item = h("li", {}, text);
    const remove = h("button", { type: "button", class: "quiet", "aria-label": say("passkey_remove_named", { name: passkey.name }) }, say("passkey_remove"));
    remove.addEventListener("click", () => {
      this.#told.textContent = "";
      item.replaceChildren(text, this.#sure(me, passkey, () => {
        item.replaceChildren(text, remove);
        remove.focus();
      }));
    });
    item.append(remove);
    return item;
  }

  /**
   * @param {Me} me
   * @param {Passkey} passkey
   * @param {() => void} back
   */
  #sure(me, passkey, back) {
    const problem = h("p", { class: "problem", role: "alert" });
    const cancel = h("button", { type: "button", class: "link" }, say("cancel"));
    cancel.addEventListener("click", back);
    const question = h("p", { tabindex: -1 }, say("passkey_remove_sure"));
    const form = h("form", {}, question, problem,
      h("div", { class: "tools" }, h("button", { type: "submit", class: "quiet" }, say("passkey_remove_yes")), cancel));
    onSubmit(form, problem, async () => {
      await api.remove(`me/passkeys/${encodeURIComponent(passkey.id)}`);
      disown(location.hostname, fromBase64url(passkey.credential_id));
      await this.#refresh(me);
      this.#tell(say("passkey_removed"));
    });
    requestAnimationFrame(() => question.focus());
    return form;
  }

  /** @param {Me} me */
  #offer(me) {
    const why = whyNone();
    if (why) {
      this.#place.replaceChildren(h("p", { class: "hint" }, why));
      return;
    }
    const more = h("button", { type: "button", class: "quiet" }, say("passkey_add"));
    more.addEventListener("click", () => this.#ask(me, false, neutralName()));
    this.#place.replaceChildren(more);
  }

  /**
   * @param {Me} me
   * @param {boolean} byCode
   * @param {string} named
   */
  #ask(me, byCode, named) {
    this.#told.textContent = "";
    const { input: now, field } = byCode
      ? codeField("passkey-now")
      : passphraseField(say("passphrase_now"), { id: "passkey-now", autocomplete: "current-password" });
    const name = h("input", { id: "passkey-name", required: true, maxlength: LONGEST, autocomplete: "off", value: named, "aria-describedby": "passkey-clear" });
    const problem = h("p", { class: "problem", role: "alert" });
    const told = h("p", { class: "hint", role: "status" });
    const other = h("button", { type: "button", class: "link" }, say(byCode ? "use_passphrase" : "use_code"));
    other.addEventListener("click", () => this.#ask(me, !byCode, name.value));
    const cancel = h("button", { type: "button", class: "link" }, say("cancel"));
    cancel.addEventListener("click", () => {
      this.#offer(me);
      this.#place.querySelector("button")?.focus();
    });
    const form = h("form", {},
      h("p", { class: "lead" }, say("passkey_how")),
      h("input", { type: "text", name: "username", autocomplete: "username", value: me.user.name, readonly: true, hidden: true }),
      field, other,
      h("div", { class: "field" }, h("label", { for: "passkey-name" }, say("passkey_name")), name,
        h("p", { class: "hint", id: "passkey-clear" }, say("passkey_name_clear"))),
      problem, told,
      h("div", { class: "tools" }, h("button", { type: "submit" }, say("passkey_add")), cancel));
    onSubmit(form, problem, async () => {
      const chosen = name.value.trim();
      if (!chosen) throw new FieldError(say("passkey_nameless"), name);
      try {
        const what = byCode ? { code: now.value } : { passphrase: now.value };
        const kept = await addPasskey(me, what, chosen, () => { told.textContent = say("passkey_once_more"); });
        if (!kept) throw new Error(say("passkey_no_secret_new"));
      } finally {
        told.textContent = "";
      }
      await this.#refresh(me);
      this.#offer(me);
      this.#tell(say("passkey_is_there"));
    });
    this.#place.replaceChildren(form);
    now.focus();
  }

  /** @param {string} text */
  #tell(text) {
    this.#told.textContent = text;
    this.#told.focus();
  }
}

customElements.define("passkey-desk", PasskeyDesk);
