/** The rows that stand in the list, in their order and under the headings of their days. It decides nothing. */

import { h } from "./dom.js";
import { Keyring } from "./keyring.js";
import { NotePlayer } from "./player.js";
import { CallRow } from "./row.js";
import { dayKey, dayName } from "./when.js";

/** @typedef {import("./shelf.js").Entry} Entry */

export class Sheet {
  #root;
  #keyring;
  #player;
  /** @type {Entry[]} what stands now, newest first */
  shown = [];

  /**
   * @param {HTMLElement} root holds rows, headings, and what stands below them
   * @param {Keyring} keyring
   * @param {NotePlayer} player
   */
  constructor(root, keyring, player) {
    this.#root = root;
    this.#keyring = keyring;
    this.#player = player;
  }

  /** @param {import("./player.js").PlayerState} state */
  follow(state) {
    for (const { element } of this.shown) for (const strip of element?.strips ?? []) strip.follow(state);
  }

  /** Which of the rows that stand has the keyboard; -1 for none. */
  get held() {
    return this.shown.findIndex(({ element }) => element?.contains(document.activeElement));
  }

  /**
   * Show an entry as it is now, if it stands.
   * @param {Entry} entry
   */
  drawAnew(entry) {
    entry.drawn = false;
    if (entry.element) this.#draw(entry);
  }

  /**
   * Put rows in order and headings above their days; an element that stands right is not touched.
   * @param {Entry[]} shown
   * @param {Element[]} below
   * @param {Entry[]} all an entry that stands no longer lets go of its element
   */
  lay(shown, below, all) {
    /** @type {Element[]} */
    const wanted = [];
    let day = "";
    for (const entry of shown) {
      const time = new Date(entry.data.received_at);
      if (dayKey(time) !== day) {
        day = dayKey(time);
        wanted.push(this.#heading(day, dayName(time)));
      }
      wanted.push(this.#draw(entry));
    }
    wanted.push(...below);
    const keep = new Set(wanted);
    for (const child of [...this.#root.children]) if (!keep.has(child)) child.remove();
    wanted.forEach((element, i) => {
      if (this.#root.children[i] !== element) this.#root.insertBefore(element, this.#root.children[i] ?? null);
    });
    for (const entry of all) if (entry.element && !keep.has(entry.element)) Object.assign(entry, { element: null, drawn: false });
    this.shown = shown;
  }

  /** @param {Entry} entry */
  #draw(entry) {
    const { data, opened, who } = entry;
    entry.element ??= this.#skeleton(data.id) ?? /** @type {CallRow} */ (document.createElement("call-row"));
    if (entry.drawn) return entry.element;
    entry.drawn = true;
    const box = data.mailbox_id;
    entry.element.show(data, opened, who, {
      several: this.#keyring.several, private: this.#keyring.isPrivate(box), shared: this.#keyring.isShared(box),
    });
    for (const strip of entry.element.strips) strip.follow(this.#player.state);
    return entry.element;
  }

  /**
   * The row as the server wrote it into the page.
   * @param {string} id
   */
  #skeleton(id) {
    return /** @type {CallRow | null} */ (this.#root.querySelector(`call-row[data-id="${CSS.escape(id)}"]`));
  }

  /**
   * @param {string} day
   * @param {string} name
   */
  #heading(day, name) {
    const found = this.#root.querySelector(`:scope > h2[data-day="${day}"]`) ?? h("h2", { class: "day", "data-day": day });
    if (found.textContent !== name) found.textContent = name;
    return found;
  }
}
