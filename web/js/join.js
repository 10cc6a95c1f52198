/**
 * The page behind a one-time link: `<join-form>`. Makes the user key and both keyslots in this browser; the server
 * gets the slots, the public key and what it needs to check a login.
 */

import { addPasskey, neutralName } from "./addpasskey.js";
import * as api from "./api.js";
import { h, onSubmit } from "./dom.js";
import { Enrolment } from "./identity.js";
import { keepCode } from "./keptcode.js";
import { newPassphrase } from "./newpassphrase.js";
import { deviceHasOne } from "./passkey.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

/** @typedef {{extension: string, name: string, approval: boolean}} Waiting */

/** Read before anything else, so that the token stands in the address bar and in the history for no longer than needed. */
const token = location.hash.slice(1).replace(/^token=/, "");
if (location.hash) history.replaceState(null, "", location.pathname);

class JoinForm extends HTMLElement {
  async connectedCallback() {
    if (!token) {
      this.#noWay(say("link_none"));
      return;
    }
    try {
      const who = await api.post("join/look", { token });
      this.#askPassphrase(who);
    } catch (error) {
      const gone = error instanceof api.ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
      const text = gone ? say("link_bad") : error instanceof Error ? error.message : String(error);
      this.#noWay(text);
    }
  }

  /** @param {string} text */
  #noWay(text) {
    this.#only(h("p", { class: "problem", role: "alert" }, text),
      h("p", {}, say("joined_already"), " ", h("a", { href: "/login" }, say("log_in"))));
  }

  /**
   * Step 1: a passphrase.
   * @param {{user_id: string, name: string, mailboxes: Waiting[]}} who
   */
  #askPassphrase(who) {
    const boxes = who.mailboxes.map(inWords).join(", ");
    const name = h("input", { type: "text", name: "username", autocomplete: "username", value: who.name, readonly: true, hidden: true });
    const { first, fields, chosen } = newPassphrase(say("passphrase"));
    const problem = h("p", { class: "problem", role: "alert" });
    const form = h("form", {},
      name,
      h("p", { class: "lead" }, boxes ? say("hello", { name: who.name, boxes }) : say("hello_none", { name: who.name })),
      ...fields,
      problem,
      h("button", { type: "submit" }, say("go_on")));
    onSubmit(form, problem, async () => {
      this.#keepCode(await Enrolment.make(who.user_id, chosen()));
    });
    this.#only(steps(1), form);
    first.focus();
  }

  /**
   * Steps 2 and 3: the recovery code, and two groups of it typed.
   * @param {Enrolment} enrolment
   */
  #keepCode(enrolment) {
    keepCode(enrolment, (step, ...children) => this.#only(steps(step), ...children), async () => {
      const { user_id: userId } = await api.post("join", { token, ...enrolment.answer });
      await vault.save(userId, enrolment.key);
      if (await deviceHasOne()) this.#offerPasskey(enrolment);
      else location.replace("/");
    });
  }

  /**
   * One step more for who likes: from here on this device opens the notes by itself. Everything that must be is done.
   * @param {Enrolment} enrolment
   */
  #offerPasskey(enrolment) {
    const title = h("h2", { tabindex: -1 }, say("join_passkey_title"));
    const problem = h("p", { class: "problem", role: "alert" });
    const told = h("p", { class: "hint", role: "status" });
    const on = h("a", { class: "button quiet", href: "/" }, say("join_passkey_skip"));
    const form = h("form", {},
      h("div", { class: "field" }, title, h("p", { class: "lead" }, say("join_passkey_why"))), problem, told,
      h("div", { class: "tools" }, h("button", { type: "submit" }, say("passkey_add")), on));
    onSubmit(form, problem, async () => {
      const once = () => { told.textContent = say("passkey_once_more"); };
      try {
        const kept = await addPasskey(await api.me(), { code: enrolment.code }, neutralName(), once);
        if (!kept) throw new Error(say("passkey_no_secret_new"));
      } finally {
        told.textContent = "";
      }
      location.replace("/");
    });
    this.#only(steps(3), form);
    title.focus();
  }

  /** @param {...Node} children */
  #only(...children) {
    this.replaceChildren(h("div", {}, ...children));
  }
}

/** @param {number} now */
function steps(now) {
  return h("ol", { class: "steps", "aria-hidden": "true" }, ...[1, 2, 3].map((n) => h("li", { class: n <= now ? "done" : "" })));
}

/**
 * A mailbox by name and number, and whether it waits for somebody else's leave.
 * @param {Waiting} box
 */
function inWords({ extension, name, approval }) {
  const notes = [name !== "" && name !== extension && extension, approval && say("needs_approval")].filter(Boolean);
  return notes.length ? `${name || extension} (${notes.join("; ")})` : name || extension;
}

customElements.define("join-form", JoinForm);
