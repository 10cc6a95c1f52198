/** `<find-bar>`: what of the list is wanted, in words and by kind; how much of it was found. */

import { h } from "./dom.js";
import { EVERYTHING, SHOWS, keep, kept } from "./filters.js";
import { charactersAct } from "./habits.js";
import { parse } from "./search.js";
import { isCommand } from "./shortcuts.js";
import { locale, say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./filters.js").Filter} Filter
 * @typedef {import("./filters.js").Show} Show
 * @typedef {import("./list.js").View} View
 */

const NAMES = /** @type {const} */ ({
  all: "all", unheard: "only_unheard", open: "only_open", taken: "only_taken", noted: "only_noted", missed: "only_missed",
  deleted: "only_deleted",
});

/** Longest text that is sought: no name shown is longer. */
const LONGEST = 120;

/** What takes less is not worth telling, in milliseconds. */
const SOON_MS = 700;

const number = new Intl.NumberFormat(locale);

/** Fires `find` (detail: {filter, query}), and for what is to be done with all that is found `all` (detail: Act) and `export`. */
export class FindBar extends HTMLElement {
  // The browser keeps nothing of it, and no service that looks spelling up is told.
  #words = h("input", {
    id: "words", type: "search", autocomplete: "off", autocapitalize: "none", autocorrect: "off", spellcheck: "false",
    placeholder: say("find_hint"), maxlength: LONGEST, enterkeyhint: "search",
  });
  #slash = h("kbd", { "aria-hidden": "true" }, "/");
  #clear = h("button", { type: "button", class: "link", hidden: true }, say("clear_search"));
  #remove = h("button", { type: "button", class: "link", hidden: true });
  #erase = h("button", { type: "button", class: "link", hidden: true });
  #export = h("button", { type: "button", class: "link", hidden: true });
  #shows = /** @type {Map<Show, {radio: HTMLInputElement, count: HTMLElement}>} */ (new Map());
  #box = h("select", { "aria-label": say("mailbox"), autocomplete: "off", hidden: true });
  #result = h("p", { class: "result", role: "status" });
  #reading = h("progress", { "aria-label": say("find") });
  #far = h("p", { class: "far", hidden: true });
  /** @type {Filter} */
  #filter = EVERYTHING;
  #boxes = "";
  #shared = false;
  #begun = 0;

  /**
   * Offer my mailboxes; the first time, also take up this browser's last filter.
   * @param {Me} me
   */
  show(me) {
    if (!this.firstChild) this.#build();
    this.#shared = me.mailboxes.some(({ people }) => people > 1);
    this.#offerTaken();
    const boxes = JSON.stringify(me.mailboxes.map(({ id, name, extension }) => [id, name, extension]));
    if (boxes === this.#boxes) return;
    const first = !this.#boxes;
    this.#boxes = boxes;
    this.#box.hidden = me.mailboxes.length < 2;
    this.#box.replaceChildren(h("option", { value: "" }, say("all_mailboxes")), ...me.mailboxes.map(({ id, name, extension }) => (
      h("option", { value: id }, name && name !== extension ? `${name} (${extension})` : extension))));
    const mine = (/** @type {string} */ id) => me.mailboxes.some((box) => box.id === id);
    this.#take(first ? kept(mine) : { ...this.#filter, mailbox: mine(this.#filter.mailbox) ? this.#filter.mailbox : "" });
  }

  /**
   * Tell what the list has found.
   * @param {View} view
   */
  tell({ found, known, complete, capped, done, total, counts }) {
    const wanted = this.#wanted;
    this.hidden = !known && !wanted;
    for (const [show, { count }] of this.#shows) set(count, complete && !capped ? number.format(counts[show]) : "");
    const n = number.format(found);
    set(this.#result, !wanted ? "" : !complete ? say("found_so_far", { n }) : found === 1 ? say("found_one") : say("found_n", { n }));
    this.#offer(complete && !capped && wanted ? found : 0);
    this.#begun ||= performance.now();
    const reading = !complete && total !== null && done < total && performance.now() - this.#begun > SOON_MS;
    const partly = complete && capped && this.#words.value.trim() !== "";
    this.#far.hidden = !reading && !partly;
    if (reading) {
      Object.assign(this.#reading, { max: total, value: done });
      this.#far.replaceChildren(say("reading", { done: number.format(done), total: number.format(total) }), this.#reading);
    } else if (partly) {
      this.#far.replaceChildren(say("newest_only", { n: number.format(total ?? known) }));
    }
  }

  /** Where nobody shares a mailbox with me nobody takes a call before me. */
  #offerTaken() {
    this.#shows.get("taken")?.radio.parentElement?.toggleAttribute("hidden", !this.#shared && this.#filter.show !== "taken");
  }

  /**
   * What can be done with all of them at once: nobody does it to what he has not looked for.
   * @param {number} found
   */
  #offer(found) {
    const deleted = this.#filter.show === "deleted";
    const n = number.format(found);
    this.#remove.hidden = !found;
    this.#erase.hidden = !found || !deleted;
    this.#export.hidden = !found;
    set(this.#remove, found === 1 ? say(deleted ? "restore_one" : "delete_one") : say(deleted ? "restore_n" : "delete_n", { n }));
    set(this.#export, found === 1 ? say("export_this") : say("export_all", { n }));
    set(this.#erase, found === 1 ? say("erase_one") : say("erase_n", { n }));
  }

  /** Show everything again. */
  clear() {
    this.#words.value = "";
    this.#take(EVERYTHING);
    this.#words.focus();
  }

  get #wanted() {
    return this.#words.value.trim() !== "" || this.#filter.show !== "all" || this.#filter.mailbox !== "";
  }

  #build() {
    this.setAttribute("role", "search");
    this.setAttribute("aria-label", say("find"));
    const pills = SHOWS.map((show) => {
      const radio = h("input", { type: "radio", name: "show", value: show, autocomplete: "off" });
      const count = h("span", { class: "count" });
      this.#shows.set(show, { radio, count });
      radio.addEventListener("change", () => this.#take({ ...this.#filter, show }));
      return h("label", { class: "pill" }, radio, say(NAMES[show]), " ", count);
    });
    this.append(
      h("div", { class: "words" }, h("label", { for: "words", class: "quietly" }, say("find_words")), this.#words,
        this.#slash),
      h("div", { class: "kinds" }, h("fieldset", {}, h("legend", { class: "quietly" }, say("show")), ...pills), this.#box),
      h("div", { class: "told" }, this.#result, this.#clear, this.#export, this.#remove, this.#erase), this.#far);
    this.#words.addEventListener("input", () => this.#ask());
    this.#clear.addEventListener("click", () => this.#forgetWords());
    const all = (/** @type {import("./deleting.js").Act} */ act) => this.dispatchEvent(new CustomEvent("all", { detail: act }));
    this.#remove.addEventListener("click", () => all(this.#filter.show === "deleted" ? "restore" : "delete"));
    this.#export.addEventListener("click", () => this.dispatchEvent(new CustomEvent("export")));
    this.#erase.addEventListener("click", () => all("erase"));
    this.#box.addEventListener("change", () => this.#take({ ...this.#filter, mailbox: this.#box.value }));
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("characters", () => this.#tellSlash());
    this.#tellSlash();
  }

  #tellSlash() {
    this.#slash.hidden = !charactersAct();
    if (this.#slash.hidden) this.#words.removeAttribute("aria-keyshortcuts");
    else this.#words.setAttribute("aria-keyshortcuts", "/");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (this.hidden || document.querySelector("dialog[open]")) return;
    const at = /** @type {Element | null} */ (event.target instanceof Element ? event.target : null);
    if (event.key === "/" && charactersAct() && isCommand(event)) {
      event.preventDefault();
      this.#words.focus();
      this.#words.select();
    }
    if (event.key === "Escape" && this.#words.value !== "" && !at?.closest("note-player, select")) {
      event.preventDefault();
      this.#forgetWords();
    }
  }

  #forgetWords() {
    this.#words.value = "";
    this.#words.focus();
    this.#ask();
  }

  /** @param {Filter} filter */
  #take(filter) {
    this.#filter = filter;
    this.#box.value = filter.mailbox;
    for (const [show, { radio }] of this.#shows) radio.checked = show === filter.show;
    this.#offerTaken();
    keep(filter);
    this.#ask();
  }

  #ask() {
    this.#clear.hidden = this.#words.value === "";
    this.dispatchEvent(new CustomEvent("find", { detail: { filter: this.#filter, query: parse(this.#words.value) } }));
  }
}

/**
 * A text that stays is not read out again.
 * @param {HTMLElement} element
 * @param {string} text
 */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

customElements.define("find-bar", FindBar);
