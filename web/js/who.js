/**
 * Who called, as the page shows it. A caller names himself, and may lie: a name from my own address book stands at the
 * number that I wrote down, and at no other. Pure but for the page's words.
 */

import { digitsOf, fold, haystack } from "./search.js";
import { say } from "./words.js";

/**
 * @typedef {import("./book/contact.js").Contact} Contact
 * @typedef {import("./book/names.js").Names} Names
 * @typedef {import("./keyring.js").OpenedRow} OpenedRow
 * @typedef {import("./record.js").CallRecord} CallRecord
 * @typedef {import("./search.js").Digits} Digits
 * @typedef {{name: string, number: string, digits: Digits, contact: Contact | null, itself: string, posing: boolean, words: string}} Who
 *   name: the contact's, else the caller's own; itself: what the caller calls himself where that is another name;
 *   posing: he calls himself as a contact whose number is another; words: all of it in one line
 */

/** Longest caller text that is shown; a display name may be as long as a SIP message. */
const LONGEST = 120;

/**
 * @param {OpenedRow} opened
 * @param {Names} names
 * @returns {Who}
 */
export function whoOf({ call }, names) {
  const shown = call?.from.presentation === "allowed";
  const number = shown ? clip(call.from.number) : "";
  const told = shown ? clip(call.from.name) : "";
  const own = told === number ? "" : told;
  const digits = digitsOf(number);
  const contact = names.of(digits);
  const name = contact ? contact.name : own;
  const itself = contact && own && fold(own) !== fold(contact.name) ? own : "";
  const words = !call ? say("sealed") : name || number || nobody(call);
  return { name, number, digits, contact, itself, posing: own !== "" && (!contact || itself !== "") && names.called(own) !== null, words };
}

/**
 * What of a row is searched: what it shows of who called.
 * @param {Who} who
 * @param {OpenedRow} opened
 */
export function hayOf({ name, number, itself, words }, { call }) {
  const shown = name || (number || !call ? "" : words);
  return haystack({ name: itself ? `${shown}\n${itself}` : shown, number });
}

/**
 * Whether a row shows the same of both.
 * @param {Who} one
 * @param {Who} other
 */
export function alike(one, other) {
  return one.name === other.name && one.itself === other.itself && one.posing === other.posing
    && (one.contact === null) === (other.contact === null);
}

/** @param {CallRecord} call */
function nobody(call) {
  const { presentation } = call.from;
  return say(presentation === "restricted" ? "withheld" : presentation === "untold" ? "untold" : "unknown");
}

/**
 * One line of bounded length. Control characters have no business in a name, and those that turn the direction of
 * what follows would let a caller write one name and show another; right-to-left letters need none of them here.
 * @param {string} text
 * @param {number} [longest] letters
 */
export function clip(text, longest = LONGEST) {
  const line = text.replace(/\p{Cc}+/gu, " ").replace(/\p{Bidi_Control}/gu, "").trim();
  const letters = [...line];
  return letters.length > longest ? `${letters.slice(0, longest).join("")}…` : line;
}
