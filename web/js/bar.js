/** `<undo-bar>`: what was just done or did not happen, at the foot of the window; there is one. */

import { h } from "./dom.js";
import { say } from "./words.js";

/** How long a way back is offered. */
const OFFERED_MS = 15_000;

export class UndoBar extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.setAttribute("role", "region");
    this.hide();
  }

  /**
   * Offer the way back for a while.
   * @param {string} what
   * @param {() => void} back
   */
  offer(what, back) {
    this.#show(what, "undo", back);
    this.#wait();
  }

  /**
   * Tell what somebody should see who may be looking elsewhere: it stays until he has.
   * @param {string} what
   */
  tell(what) {
    this.#show(what, "close", () => this.hide());
  }

  hide() {
    clearTimeout(this.#timer);
    this.hidden = true;
    this.replaceChildren();
  }

  /**
   * @param {string} what
   * @param {"undo" | "close"} word
   * @param {() => void} act
   */
  #show(what, word, act) {
    clearTimeout(this.#timer);
    const button = h("button", { type: "button", class: "quiet" }, say(word));
    button.addEventListener("click", act);
    this.replaceChildren(h("span", {}, what), button);
    this.setAttribute("aria-label", say(word));
    this.hidden = false;
  }

  /** It stays under a hand. */
  #wait() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => (this.matches(":hover, :focus-within") ? this.#wait() : this.hide()), OFFERED_MS);
  }
}

customElements.define("undo-bar", UndoBar);

/** The page's one. */
export function bar() {
  const made = document.querySelector("undo-bar") ?? document.createElement("undo-bar");
  if (!made.isConnected) document.body.append(made);
  return /** @type {UndoBar} */ (made);
}
