/** `<status-banner>`: what a reader should know now, each line under its own name, set and taken away. */

import { h } from "./dom.js";
import { say } from "./words.js";

export class StatusBanner extends HTMLElement {
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();

  /**
   * @param {string} name
   * @param {string | null} text null takes the line away
   * @param {{warn?: boolean, done?: number, all?: number, dismissed?: () => void}} [how] dismissed: the line has a
   *   button that takes it away
   */
  set(name, text, { warn = true, done = 0, all = 0, dismissed } = {}) {
    const before = this.#lines.get(name);
    if (text === null) {
      before?.remove();
      this.#lines.delete(name);
      return;
    }
    const line = before ?? h("p", { "data-name": name });
    line.className = warn ? "banner warn" : "banner";
    if (dismissed && before?.firstChild?.textContent === text) return; // its button may have the focus
    line.replaceChildren(h("span", {}, text), ...(all ? [h("progress", { max: all, value: done, "aria-label": text })] : []));
    if (dismissed) line.append(" ", this.#button(name, dismissed));
    if (!before) {
      this.#lines.set(name, line);
      this.append(line);
    }
  }

  /**
   * @param {string} name
   * @param {() => void} dismissed
   */
  #button(name, dismissed) {
    const button = h("button", { type: "button", class: "link" }, say("got_it"));
    button.addEventListener("click", () => {
      this.set(name, null);
      dismissed();
    });
    return button;
  }
}

customElements.define("status-banner", StatusBanner);
