/** Who reads one mailbox, and who waits to: letting people in and taking them off. */

import { addForm } from "./adding.js";
import * as api from "./api.js";
import { h } from "./dom.js";
import { Keyring } from "./keyring.js";
import { logOf } from "./log.js";
import { again, nextKey, wish } from "./nextkey.js";
import { sure } from "./sure.js";
import * as vault from "./vault.js";
import { changed } from "./watch.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 * @typedef {import("./api.js").Member} Member
 * @typedef {import("./api.js").Members} Members
 */

/** Refusals of letting somebody in after which somebody has to look again. @type {Record<string, import("./words.js").Word>} */
const LOOK_AGAIN = { "key changed": "key_moved", "member already": "member_already" };

export class MembersDialog {
  #people = h("ul", { class: "people" });
  #key = h("span", { class: "print" });
  #problem = h("p", { class: "problem", role: "alert" });
  #log = h("div");
  #dialog = h("dialog", { "aria-labelledby": "members-title" });

  /**
   * @param {Me} me
   * @param {Mailbox} box
   * @param {Keyring} keyring
   * @param {EventTarget} owner hears `changed`
   */
  constructor(me, box, keyring, owner) {
    this.me = me;
    this.box = box;
    this.keyring = keyring;
    this.owner = owner;
    this.name = box.name || box.extension;
    const close = h("button", { type: "button", autofocus: true }, say("close"));
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.append(
      h("h2", { id: "members-title" }, say("members_of", { name: this.name })),
      this.#people, h("p", { class: "hint" }, say("approve_hint")),
      addForm(box.id, (member) => this.#added(member)),
      h("p", { class: "hint" }, say("box_key"), " ", this.#key, " ", this.#newKey()), this.#log,
      h("p", { class: "hint", hidden: !box.keep_days }, say("keeps_days", { n: box.keep_days ?? 0 })),
      this.#problem, h("div", { class: "foot" }, close));
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
  }

  async open() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    await this.#try(() => this.#fill());
  }

  async #fill() {
    const told = await this.#ask();
    const odd = new Set((await changed(told.members, this.me)).map((person) => person.user_id));
    const readers = told.members.filter((person) => person.state === "member").length;
    this.#key.textContent = await this.keyring.fingerprint(told.public);
    this.#people.replaceChildren(...await Promise.all(
      told.members.map((person) => this.#line(person, odd.has(person.user_id), readers))));
    this.#log.replaceChildren(logOf(this.box.id, (work) => this.#try(work)));
  }

  /** A button that gives the mailbox another key. */
  #newKey() {
    const button = h("button", { type: "button", class: "link" }, say("box_key_new"));
    button.addEventListener("click", () => void this.#try(async () => {
      if (!await sure(say("box_key_title", { name: this.name }), [say("box_key_why")], say("box_key_make"))) return;
      await wish(this.box, this.me, this.keyring);
      await this.#done();
    }));
    return button;
  }

  /** @returns {Promise<Members>} */
  #ask() {
    return api.get(`mailboxes/${this.box.id}/members`);
  }

  /**
   * @param {Member} person
   * @param {boolean} odd his key is another one than this browser knows
   * @param {number} readers
   */
  async #line(person, odd, readers) {
    const mine = this.#isMe(person) ? ` (${say("you")})` : "";
    const state = person.state === "waiting" && !person.public ? "invited" : person.state;
    const print = person.public ? await this.keyring.fingerprint(person.public) : "";
    const acts = h("div", { class: "acts" });
    if (state === "waiting" && !odd) acts.append(this.#button("approve", person, () => this.#approve(person)));
    if (odd) acts.append(this.#button("person_same", person, () => this.#accept(person)));
    if (state !== "member" || readers > 1) {
      acts.append(this.#button(this.#isMe(person) ? "leave" : "remove", person, () => this.#remove(person), true));
    }
    const name = person.user_id === this.me.recovery?.user_id ? say("recovery_name") : person.name;
    return h("li", { "data-user": person.user_id }, h("span", {}, h("bdi", {}, name), mine),
      h("span", { class: "hint" }, say(`member_${state}`), print && " · ", print && h("span", { class: "print" }, print)),
      odd && h("span", { class: "hint odd" }, say("person_changed")), acts);
  }

  /**
   * @param {"approve" | "remove" | "leave" | "person_same"} word
   * @param {Member} person
   * @param {() => Promise<void>} work
   * @param {boolean} [quiet]
   */
  #button(word, person, work, quiet = false) {
    const button = h("button", { type: "button", class: quiet && "quiet", "aria-label": `${say(word)}: ${person.name}` }, say(word));
    button.addEventListener("click", () => void this.#try(async () => {
      button.disabled = true;
      try {
        await work();
      } finally {
        button.disabled = false;
      }
    }));
    return button;
  }

  /**
   * His fingerprint is shown now; what follows is comparing it, and the button beside it.
   * @param {Member} person
   */
  async #added(person) {
    await this.#done();
    /** @type {HTMLElement | null} */ (this.#people.querySelector(`[data-user="${CSS.escape(person.user_id)}"] button`))?.focus();
  }

  /** @param {Member} person */
  async #approve(person) {
    const shown = /** @type {string} */ (person.public);
    try {
      await again(this.keyring, async () => {
        const wraps = await this.keyring.wrapsFor(this.box.id, person.user_id, shown);
        await api.post(this.#path(person, "approve"), { public: shown, wraps });
      });
    } catch (error) {
      const why = error instanceof api.ApiError && LOOK_AGAIN[error.word];
      if (!why) throw error;
      // No new attempt by itself: the fingerprint that stands here now is none that anybody has compared.
      await this.#done();
      throw new Error(say(why, { name: person.name }), { cause: error });
    }
    await vault.accept(person.user_id, shown);
    await this.#done();
  }

  /** @param {Member} person */
  async #accept(person) {
    await vault.accept(person.user_id, /** @type {string} */ (person.public));
    await this.#fill();
  }

  /** @param {Member} person */
  async #remove(person) {
    const { name } = person;
    const leaves = this.#isMe(person);
    const why = leaves ? [say("leave_why")]
      : person.state === "member" ? [say("remove_why", { name }), say("remove_kept", { name })] : [say("remove_waiting", { name })];
    const title = leaves ? say("leave_title", { box: this.name }) : say("remove_title", { name, box: this.name });
    if (!await sure(title, why, say(leaves ? "leave" : "remove"))) return;
    await again(this.keyring, async () => api.post(this.#path(person, "remove"), { next: await this.#nextKey(person) }));
    if (leaves) {
      this.#dialog.close();
      this.#tell();
    } else {
      await this.#done();
    }
  }

  /**
   * The key for those who stay, from how things stand now; none where somebody goes who does not read here.
   * @param {Member} person who goes
   */
  async #nextKey(person) {
    const told = await this.#ask();
    const readers = told.members.filter((each) => each.state === "member");
    if (!readers.some((each) => each.user_id === person.user_id)) return null;
    const stay = readers.filter((each) => each.user_id !== person.user_id);
    const [odd] = await changed(stay, this.me);
    if (odd) throw new Error(say("person_not_sure", { name: odd.name }));
    return nextKey(this.box, told.epoch + 1, stay, this.me, this.keyring);
  }

  async #done() {
    await this.#fill();
    this.#tell();
  }

  #tell() {
    this.owner.dispatchEvent(new CustomEvent("changed"));
  }

  /** @param {Member} person */
  #isMe(person) {
    return person.user_id === this.me.user.id;
  }

  /**
   * @param {Member} person
   * @param {"approve" | "remove"} act
   */
  #path(person, act) {
    return `mailboxes/${this.box.id}/members/${person.user_id}/${act}`;
  }

  /** @param {() => Promise<void>} work */
  async #try(work) {
    this.#problem.textContent = "";
    try {
      await work();
    } catch (error) {
      this.#problem.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
