/** `<status-banner>`: what a reader should know now, each line under its own name, set and taken away. */

import { h } from "./dom.js";

export class StatusBanner extends HTMLElement {
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();

  /**
   * @param {string} name
   * @param {string | null} text null takes the line away
   * @param {{warn?: boolean, done?: number, all?: number}} [how]
   */
  set(name, text, { warn = true, done = 0, all = 0 } = {}) {
    const before = this.#lines.get(name);
    if (text === null) {
      before?.remove();
      this.#lines.delete(name);
      return;
    }
    const line = before ?? h("p", { "data-name": name });
    line.className = warn ? "banner warn" : "banner";
    line.replaceChildren(h("span", {}, text), ...(all ? [h("progress", { max: all, value: done, "aria-label": text })] : []));
    if (!before) {
      this.#lines.set(name, line);
      this.append(line);
    }
  }
}

customElements.define("status-banner", StatusBanner);
