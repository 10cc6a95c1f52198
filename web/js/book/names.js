/**
 * Who a number belongs to: the address book by numbers, however each is written. A name from the book must not stand at
 * somebody else's number: what fits two people of different countries fits nobody. Pure.
 */

import { digitsOf, fold } from "../search.js";

/**
 * @typedef {import("./contact.js").Contact} Contact
 * @typedef {import("../search.js").Digits} Digits
 */

/** Digits from which on a number without + or 0 may be one of the whole world; shorter ones are extensions. */
const LONG = 7;

export class Names {
  /** @type {Map<string, Contact>} by the number as written */
  #written = new Map();
  /** @type {Map<string, {contact: Contact, digits: Digits}[]>} by its end */
  #local = new Map();
  /** @type {Map<string, Contact>} by folded name */
  #called = new Map();
  contacts;

  /** @param {readonly Contact[]} contacts */
  constructor(contacts) {
    this.contacts = contacts;
    for (const contact of contacts) {
      this.#called.set(fold(contact.name), contact);
      for (const number of contact.numbers) this.#put(contact, digitsOf(number));
    }
  }

  /**
   * @param {Contact} contact
   * @param {Digits} digits
   */
  #put(contact, digits) {
    if (!digits.raw) return;
    const written = keyOf(digits);
    if (!this.#written.has(written)) this.#written.set(written, contact);
    for (const key of keysOf(digits)) {
      const here = this.#local.get(key) ?? [];
      here.push({ contact, digits });
      this.#local.set(key, here);
    }
  }

  /**
   * @param {Digits} digits of a caller's number
   * @returns {Contact | null}
   */
  of(digits) {
    if (!digits.raw) return null;
    const written = this.#written.get(keyOf(digits));
    if (written) return written;
    const near = keysOf(digits).flatMap((key) => this.#local.get(key) ?? []).filter((each) => same(each.digits, digits));
    const first = near[0];
    return first && near.every((each) => each.contact === first.contact || same(each.digits, first.digits)) ? first.contact : null;
  }

  /**
   * Who in the book has this name.
   * @param {string} name
   * @returns {Contact | null}
   */
  called(name) {
    return this.#called.get(fold(name)) ?? null;
  }
}

/**
 * Whether two numbers can be one: written alike, or one with the country and the other without.
 * @param {Digits} a
 * @param {Digits} b
 */
export function same(a, b) {
  if (!a.raw || !b.raw) return false;
  if (a.raw === b.raw) return true;
  if (a.kind === b.kind) return a.kind === "abroad" && a.whole === b.whole;
  const [one, other] = a.kind === "abroad" ? [a, b] : b.kind === "abroad" ? [b, a] : [null, null];
  if (!one || !other) return false;
  // Italy keeps its 0 behind the country code; North America has none before the area code.
  if (other.kind === "trunk") return one.local === other.local || one.local === other.raw;
  return other.raw.length >= LONG && (one.whole === other.raw || one.local === other.raw);
}

/**
 * Equal for one number, whether its country is written with + or with 00.
 * @param {string} number
 */
export const numberKey = (number) => keyOf(digitsOf(number));

/** @param {Digits} digits */
function keyOf({ raw, whole, kind }) {
  return kind === "abroad" ? `+${whole}` : raw;
}

/** @param {Digits} digits */
function keysOf({ raw, whole, local, kind }) {
  if (kind === "bare") return raw.length >= LONG ? [raw] : [];
  return kind === "abroad" ? [...new Set([whole, local])] : [...new Set([local, raw])];
}
