/** `<mailbox-list>`: my mailboxes in the head of the page, whether they are private, and who else reads them. */

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { Keyring } from "./keyring.js";
import { MembersDialog } from "./members.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 */

/** Fires `changed` when somebody was let in or removed. */
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

customElements.define("mailbox-list", MailboxList);
