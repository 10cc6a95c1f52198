/** `<more-menu>`: what else can be done with something, behind one button. */

import { h, icon } from "./dom.js";

/** @typedef {{label: string, act: () => void}} Item */

export class MoreMenu extends HTMLElement {
  #button = h("button", { type: "button", class: "more", "aria-expanded": "false" }, icon("more"));
  #list = h("ul", { hidden: true });

  connectedCallback() {
    if (this.firstChild) return;
    this.append(this.#button, this.#list);
    this.#button.addEventListener("click", () => this.#open(Boolean(this.#list.hidden)));
    this.addEventListener("focusout", (event) => {
      if (!this.contains(/** @type {Node | null} */ (event.relatedTarget)) && event.relatedTarget) this.#open(false);
    });
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#list.hidden) return;
      event.stopPropagation();
      this.#open(false);
      this.#button.focus();
    });
    this.addEventListener("keydown", (event) => this.#step(event));
  }

  /**
   * @param {string} name
   * @param {Item[]} items
   */
  show(name, items) {
    if (this.#button.getAttribute("aria-label") === name) return;
    this.#button.setAttribute("aria-label", name);
    this.#button.title = name;
    this.#list.replaceChildren(...items.map(({ label, act }) => {
      const button = h("button", { type: "button" }, label);
      button.addEventListener("click", () => {
        this.#open(false);
        this.#button.focus(); // what opens now gives the focus back to it
        act();
      });
      return h("li", {}, button);
    }));
  }

  #outside = (/** @type {Event} */ event) => {
    if (!event.composedPath().includes(this)) this.#open(false);
  };

  /** @param {boolean} open */
  #open(open) {
    this.#list.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    if (open) document.addEventListener("pointerdown", this.#outside);
    else document.removeEventListener("pointerdown", this.#outside);
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!by || this.#list.hidden) return;
    event.preventDefault();
    const buttons = [...this.#list.querySelectorAll("button")];
    const now = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    buttons[(now + by + buttons.length) % buttons.length]?.focus();
  }
}

customElements.define("more-menu", MoreMenu);
