/** What a file adds to a book: who is new, who has a further number, who is there already, what is passed over. Pure. */

import { fold } from "../search.js";
import { MOST, MOST_NUMBERS } from "./contact.js";
import { numberKey } from "./names.js";

/**
 * @typedef {import("./contact.js").Contact} Contact
 * @typedef {import("./vcard.js").Found} Found
 * @typedef {{no_name: number, no_number: number, unfinished: number, unclosed: number, full: number}} Skipped
 */

export class Taking {
  /** People who are new. */
  fresh = 0;
  /** People of the book, or of the file itself, who have got a number or a note. */
  more = 0;
  /** People who were there just so. */
  known = 0;
  /** @type {Skipped} */
  skipped = { no_name: 0, no_number: 0, unfinished: 0, unclosed: 0, full: 0 };
  /** @type {Map<string, Contact[]>} by folded name */
  #people = new Map();
  #size = 0;
  /** @type {Contact[]} all that was found */
  #found = [];
  /** @type {string[]} */
  #fresh = [];

  /** @param {readonly Contact[]} book as it is */
  constructor(book) {
    for (const one of book) this.#keep(one);
  }

  /** The book as it would be. */
  get contacts() {
    return [...this.#people.values()].flat();
  }

  /** Names of those who are new. */
  get names() {
    return this.#fresh;
  }

  /**
   * The same people added to another book: it has changed while somebody looked at the summary.
   * @param {readonly Contact[]} book
   */
  addedTo(book) {
    const again = new Taking(book);
    for (const contact of this.#found) again.add({ at: 0, contact, why: null });
    return again.contacts;
  }

  /** @param {Found} found */
  add({ contact, why }) {
    if (!contact) {
      this.skipped[why ?? "no_number"] += 1;
      return;
    }
    this.#found.push(contact);
    const here = this.#people.get(fold(contact.name)) ?? [];
    // Of two people of one name, the one who has one of these numbers; of one alone, that one.
    const keys = new Set(contact.numbers.map(numberKey));
    const at = here.length === 1 ? 0 : here.findIndex((one) => one.numbers.some((number) => keys.has(numberKey(number))));
    const before = here[at];
    if (before) {
      const after = joined(before, contact);
      this[after === before ? "known" : "more"] += 1;
      here[at] = after;
    } else if (this.#size >= MOST) {
      this.skipped.full += 1;
    } else {
      this.fresh += 1;
      this.#fresh.push(contact.name);
      this.#keep(contact);
    }
  }

  /** @param {Contact} one */
  #keep(one) {
    const name = fold(one.name);
    const here = this.#people.get(name);
    if (here) here.push(one);
    else this.#people.set(name, [one]);
    this.#size += 1;
  }
}

/**
 * @param {Contact} one
 * @param {Contact} other
 * @returns {Contact} `one` itself when nothing is new
 */
function joined(one, other) {
  const keys = new Set(one.numbers.map(numberKey));
  const more = other.numbers.filter((number) => !keys.has(numberKey(number))).slice(0, Math.max(0, MOST_NUMBERS - one.numbers.length));
  const note = one.note || other.note;
  return more.length || note !== one.note ? { name: one.name, numbers: [...one.numbers, ...more], note } : one;
}
