/** The organisation's recovery key: told to everybody while it is on, and let in by who agrees. */

import * as api from "./api.js";
import { StatusBanner } from "./banner.js";
import { h } from "./dom.js";
import { Keyring } from "./keyring.js";
import { sure } from "./sure.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Recovery} Recovery
 */

/** `<recovery-line>`: stands as long as the key is on; fires `changed` when it was let in. */
export class RecoveryLine extends HTMLElement {
  #shown = "";
  #turn = 0;

  /**
   * @param {Me} me
   * @param {Keyring} keyring
   * @param {(error: unknown) => void} fell
   */
  async show(me, keyring, fell) {
    const { recovery } = me;
    this.#turn += 1;
    const turn = this.#turn;
    const odd = recovery !== null && !await vault.knows(recovery.user_id, recovery.public, recovery.opens.length > 0);
    const shown = JSON.stringify([recovery, keyring.unlocked, odd]);
    if (turn !== this.#turn || shown === this.#shown) return;
    this.#shown = shown;
    if (!recovery) {
      this.replaceChildren();
      return;
    }
    const print = await keyring.fingerprint(recovery.public);
    if (shown !== this.#shown) return;
    const names = (/** @type {string[]} */ ids) => me.mailboxes.filter(({ id }) => ids.includes(id)).map((box) => box.name || box.extension).join(", ");
    const opens = names(recovery.opens);
    const waits = names(recovery.waits);
    // Another one than this browser knows is let in by nobody before somebody has compared it.
    const act = h("button", { type: "button", class: "link", hidden: !odd && !(waits && keyring.unlocked) }, say(odd ? "person_same" : "recovery_agree"));
    act.addEventListener("click", () => {
      const done = odd
        ? vault.accept(recovery.user_id, recovery.public).then(() => this.show(me, keyring, fell))
        : this.#letIn(recovery, keyring, print, waits);
      done.catch(fell);
    });
    this.replaceChildren(h("p", { class: odd ? "banner warn" : "banner" },
      say("recovery_on", { print }), " ", odd && say("recovery_odd"), odd && " ",
      opens ? say("recovery_opens", { names: opens }) : say("recovery_opens_none"), " ",
      waits && say("recovery_waits", { names: waits }), waits && " ", act));
  }

  /**
   * Nobody's page hands keys out because a server says so: somebody reads what that means, and agrees.
   * @param {Recovery} recovery
   * @param {Keyring} keyring
   * @param {string} print
   * @param {string} names
   */
  async #letIn(recovery, keyring, print, names) {
    if (!(await sure(say("recovery_title"), [say("recovery_why", { names, print })], say("recovery_agree")))) return;
    try {
      for (const id of recovery.waits) await approve(id, recovery, keyring);
      await vault.accept(recovery.user_id, recovery.public);
    } finally {
      // Also when it has become another one: what is shown here is fetched anew.
      this.dispatchEvent(new CustomEvent("changed"));
    }
  }
}

/**
 * @param {string} id of the mailbox
 * @param {Recovery} recovery
 * @param {Keyring} keyring
 */
async function approve(id, recovery, keyring) {
  const wraps = await keyring.wrapsFor(id, recovery.user_id, recovery.public);
  try {
    await api.post(`mailboxes/${id}/members/${recovery.user_id}/approve`, { public: recovery.public, wraps });
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.word === "key changed") throw new Error(say("key_moved", { name: say("recovery_name") }), { cause: error });
    if (error.word !== "member already") throw error; // another member was faster, which was what I wanted
  }
}

customElements.define("recovery-line", RecoveryLine);
