/** `<mailbox-list>`: my mailboxes in the head of the page, whether they are private, and who else reads them. */

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { Keyring } from "./keyring.js";
import { logOf } from "./log.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 * @typedef {import("./api.js").Member} Member
 */

/** Fires `changed` when a member was approved. */
export class MailboxList extends HTMLElement {
  /** What is shown: an element that may have the focus is not made anew for nothing. */
  #shown = "";

  /**
   * @param {Me} me
   * @param {Keyring} keyring
   */
  show(me, keyring) {
    const shown = JSON.stringify(me.mailboxes);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.replaceChildren(...me.mailboxes.map((box) => {
      const label = box.name && box.name !== box.extension ? [h("bdi", {}, box.name), h("b", {}, box.extension)] : [h("b", {}, box.extension)];
      const state = stateOf(box);
      if (state) label.push(h("span", { class: "state" }, state));
      if (box.my_state !== "member" || box.state !== "private") return h("span", { class: "box" }, ...label);
      const waiting = box.waiting > 0 && h("span", { class: "badge" }, say("n_waiting", { n: box.waiting }));
      const button = h("button", { type: "button", class: "box quiet", title: say("members") }, ...label, icon("people"), waiting);
      button.addEventListener("click", () => void new MembersDialog(me, box, keyring, this).open());
      return button;
    }));
  }
}

/** @param {Mailbox} box */
function stateOf(box) {
  if (box.state !== "private") return say("box_unclaimed");
  return box.my_state === "member" ? "" : say("box_waiting");
}

/** Who reads one mailbox, and who waits to. */
class MembersDialog {
  #people = h("ul", { class: "people" });
  #problem = h("p", { class: "problem", role: "alert" });
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
    const close = h("button", { type: "button" }, say("close"));
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.append(
      h("h2", { id: "members-title" }, say("members_of", { name: box.name || box.extension })),
      this.#people, h("p", { class: "hint" }, say("approve_hint")), logOf(box.id, (work) => this.#try(work)),
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
    const answer = await api.get(`mailboxes/${this.box.id}/members`);
    const people = /** @type {Member[]} */ (answer.members);
    this.#people.replaceChildren(...await Promise.all(people.map((person) => this.#line(person))));
  }

  /** @param {Member} person */
  async #line(person) {
    const mine = person.user_id === this.me.user.id ? ` (${say("you")})` : "";
    const state = person.state === "waiting" && !person.public ? "invited" : person.state;
    const print = person.public ? await this.keyring.fingerprint(person.public) : "";
    const line = h("li", {}, h("span", {}, h("bdi", {}, person.name), mine),
      h("span", { class: "hint" }, say(`member_${state}`), print && " · ", print && h("span", { class: "print" }, print)));
    if (state === "waiting") {
      const button = h("button", { type: "button" }, say("approve"));
      button.addEventListener("click", () => void this.#try(async () => {
        button.disabled = true;
        await this.#approve(person);
      }));
      line.append(button);
    }
    return line;
  }

  /** @param {Member} person */
  async #approve(person) {
    const wraps = await this.keyring.wrapsFor(this.box.id, person.user_id, /** @type {string} */ (person.public));
    await api.post(`mailboxes/${this.box.id}/members/${person.user_id}/approve`, { wraps });
    await this.#fill();
    this.owner.dispatchEvent(new CustomEvent("changed"));
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

customElements.define("mailbox-list", MailboxList);
