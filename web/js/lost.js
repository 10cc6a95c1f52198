/**
 * `<lost-device>`: a user key that somebody else may have is replaced, and with it every mailbox key that it opens. All
 * is made here and shown to its owner first; then the server takes it in one piece, or nothing of it.
 */

import * as api from "./api.js";
import { h, onSubmit } from "./dom.js";
import { codeField, passphraseField } from "./fields.js";
import { openBook, sealBook } from "./book/sealed.js";
import { Enrolment, nextOf, provenWith } from "./identity.js";
import { keepCode } from "./keptcode.js";
import { Keyring } from "./keyring.js";
import { newPassphrase } from "./newpassphrase.js";
import { fromBase64url, toBase64url, toHex } from "./seal/bytes.js";
import { publicOf } from "./seal/curve.js";
import { splitHead } from "./seal/layout.js";
import { Refused } from "./seal/refused.js";
import * as vault from "./vault.js";
import { changed } from "./watch.js";
import { say } from "./words.js";

/** @typedef {import("./api.js").Me} Me */

/** Times that somebody may be let in or removed while keys are being closed here. */
const TRIES = 5;

/** Refusals that mean just that, or that another device has saved the address book. */
const MOVED = ["members changed", "address book changed"];

/** Fires `done` (detail: how many sessions were ended). */
export class LostDevice extends HTMLElement {
  #me;
  #back;

  /**
   * @param {Me} me
   * @param {() => void} back where to go when it was not meant
   */
  constructor(me, back) {
    super();
    this.#me = me;
    this.#back = back;
  }

  connectedCallback() {
    this.#offer(false);
  }

  /** @param {boolean} byCode */
  #offer(byCode) {
    const { input: now, field } = byCode
      ? codeField("now")
      : passphraseField(say("passphrase_now"), { id: "now", autocomplete: "current-password" });
    const { fields, chosen } = newPassphrase(say("passphrase_new"));
    const problem = h("p", { class: "problem", role: "alert" });
    const other = h("button", { type: "button", class: "link" }, say(byCode ? "use_passphrase" : "use_code"));
    other.addEventListener("click", () => this.#offer(!byCode));
    const back = h("button", { type: "button", class: "link" }, say("cancel"));
    back.addEventListener("click", this.#back);
    const title = h("h2", { tabindex: -1 }, say("new_keys"));
    const form = h("form", {},
      h("input", { type: "text", name: "username", autocomplete: "username", value: this.#me.user.name, readonly: true, hidden: true }),
      field, other, ...fields, problem, h("button", { type: "submit" }, say("go_on")), back);
    onSubmit(form, problem, async () => {
      const passphrase = chosen();
      const { key, auth } = await provenWith(this.#me, byCode ? { code: now.value } : { passphrase: now.value });
      const enrolment = await Enrolment.make(this.#me.user.id, passphrase);
      keepCode(enrolment, (_step, ...children) => this.replaceChildren(...children), () => this.#send(key, auth, enrolment));
    });
    this.replaceChildren(title, h("p", { class: "lead" }, say("new_keys_why")), h("p", { class: "lead" }, say("new_keys_kept")), form);
    (byCode ? now : title).focus();
  }

  /**
   * @param {CryptoKey} key my key so far
   * @param {string} auth
   * @param {Enrolment} enrolment
   */
  async #send(key, auth, enrolment) {
    const { id } = this.#me.user;
    // Kept beside the old one: this page may be closed, and other tabs hear of it, before the answer is here.
    await vault.save(nextOf(id), enrolment.key);
    const ended = await this.#replace(key, auth, enrolment);
    await vault.save(id, enrolment.key);
    this.dispatchEvent(new CustomEvent("done", { detail: ended }));
  }

  /**
   * @param {CryptoKey} key
   * @param {string} auth
   * @param {Enrolment} enrolment
   * @returns {Promise<number>} sessions that were ended
   */
  async #replace(key, auth, enrolment) {
    const { params: _params, ...secrets } = enrolment.answer;
    for (let left = TRIES; ; left -= 1) {
      try {
        const keys = await this.#keys(key, secrets.public);
        const { ended } = await api.put("me/keys", { auth, ...secrets, ...keys, book: await this.#book(key, enrolment.key, secrets.public) });
        return ended;
      } catch (error) {
        if (!(error instanceof api.ApiError)) throw error;
        // An answer that was lost on its way may have been a yes.
        if (error.status === 0 && (await api.me()).user.public === secrets.public) return 0;
        if (!MOVED.includes(error.word)) throw error;
        if (left <= 1) throw new Error(say("members_busy"), { cause: error });
      }
    }
  }

  /**
   * My mailbox keys for my new key, and the next key of each mailbox, as things stand now.
   * @param {CryptoKey} key
   * @param {string} mine my new public key
   */
  async #keys(key, mine) {
    const me = await api.me();
    const keyring = new Keyring(me);
    await keyring.unlock(key);
    const next = [];
    for (const box of me.mailboxes.filter((each) => each.state === "private" && each.my_state === "member")) {
      const told = /** @type {import("./api.js").Members} */ (await api.get(`mailboxes/${box.id}/members`));
      const readers = told.members.filter((each) => each.state === "member");
      const [odd] = await changed(readers, me);
      if (odd) throw new Error(say("person_not_sure_in", { name: odd.name, box: box.name || box.extension }));
      const made = await keyring.nextKey(box.id, told.epoch + 1, readers.map((each) => (
        { user_id: each.user_id, public: each.user_id === me.user.id ? mine : each.public ?? "" })));
      await vault.making(box.id, made.public);
      next.push({ mailbox_id: box.id, ...made });
    }
    return { wraps: await keyring.wrapsAnew(mine), next };
  }

  /**
   * @param {import("./seal/bytes.js").Bytes} sealed
   * @param {{user: string, key: import("./seal/curve.js").KeyPair}} owner
   */
  async #opened(sealed, owner) {
    try {
      return await openBook(sealed, owner);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.word === "update needed") throw new Error(say("update_needed"), { cause: error });
      return { version: toHex(splitHead(sealed).noteId), contacts: [] }; // nobody could read it with the old key either
    }
  }

  /**
   * My address book for my new key.
   * @param {CryptoKey} key
   * @param {CryptoKey} next my new key
   * @param {string} mine its public half
   * @returns {Promise<{replaces: string, sealed: string} | null>} null: I have none
   */
  async #book(key, next, mine) {
    const user = this.#me.user.id;
    const told = await api.sealed("me/addressbook", null);
    if (told === "none" || told === "same") return null;
    const book = await this.#opened(told, { user, key: { privateKey: key, publicKey: await publicOf(key) } });
    const { sealed } = await sealBook(book.contacts, { user, key: { privateKey: next, publicKey: fromBase64url(mine) } });
    return { replaces: book.version, sealed: toBase64url(sealed) };
  }
}

customElements.define("lost-device", LostDevice);
