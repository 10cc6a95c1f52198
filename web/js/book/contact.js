/** One person of the address book, and the list of them. What a file or a server tells is hostile. Pure. */

/**
 * @typedef {{name: string, numbers: string[], note: string}} Contact
 * @typedef {{name?: unknown, numbers?: unknown, note?: unknown}} Told a contact as somebody else wrote it
 */

/** People in a book at most: a large firm's, and still found and drawn at once. */
export const MOST = 10_000;

/** Numbers of one person; what has more is a list of a whole company. */
export const MOST_NUMBERS = 20;

/** Letters of a name: as many as a row shows of one. */
export const LONGEST_NAME = 120;

/** Letters of a number: E.164 has 15 digits, and people write blanks, brackets and an extension. */
const LONGEST_NUMBER = 40;

/** Letters of a note about somebody. */
export const LONGEST_NOTE = 500;

/** What is read of a text at most, before it is looked at: a megabyte of blanks is no name. */
const LONGEST_TOLD = 4 * LONGEST_NOTE;

/**
 * What can be kept of a contact.
 * @param {Told} told
 * @returns {Contact}
 */
export function contact({ name, numbers, note }) {
  const all = Array.isArray(numbers) ? numbers.slice(0, 10 * MOST_NUMBERS).map(cleanNumber).filter(Boolean) : [];
  return {
    name: cleanText(name, LONGEST_NAME), numbers: [...new Set(all)].slice(0, MOST_NUMBERS), note: cleanText(note, LONGEST_NOTE),
  };
}

/**
 * One line of bounded length, without what cannot be seen: control characters, and those that turn the direction of
 * what follows, by which one name could be read as another.
 * @param {unknown} told
 * @param {number} longest letters
 */
export function cleanText(told, longest) {
  if (typeof told !== "string") return "";
  const line = told.slice(0, LONGEST_TOLD).toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").replace(/\p{Bidi_Control}/gu, "")
    .replace(/\s+/gu, " ").trim();
  return [...line].slice(0, longest).join("").trim();
}

/**
 * A number as it may be dialled; empty for what has no digit, and for a formula or an address in its place.
 * @param {unknown} told
 */
export function cleanNumber(told) {
  const text = cleanText(told, LONGEST_TOLD).normalize("NFKC").replace(/^tel:/i, "");
  // What follows is dialled only when somebody has answered: a pause, an extension.
  const number = text.split(/[,;]|\s*(?:ext\.?|x|p|w)\s*(?=\d+$)/i)[0]?.trim() ?? "";
  return number.length <= LONGEST_NUMBER && /\d/.test(number) && /^[\d\s()+\-./*#\u2010-\u2015\u2212]+$/.test(number) ? number : "";
}

/**
 * Equal for equal contacts alone.
 * @param {Contact} one
 */
export const asKey = ({ name, numbers, note }) => JSON.stringify([name, numbers, note]);

const order = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/**
 * In the order in which people look for them.
 * @param {readonly Contact[]} contacts
 * @returns {Contact[]}
 */
export function sorted(contacts) {
  return [...contacts].sort((a, b) => order.compare(a.name, b.name) || (asKey(a) < asKey(b) ? -1 : 1));
}

/**
 * What two devices made of one book: everything that either added, without what either removed. Somebody who was
 * changed on both stands there twice: nothing is lost, and people see which is right.
 * @param {readonly Contact[]} before what both began with
 * @param {readonly Contact[]} mine
 * @param {readonly Contact[]} theirs
 * @returns {Contact[]}
 */
export function merged(before, mine, theirs) {
  const known = new Set(before.map(asKey));
  const here = new Set(mine.map(asKey));
  const all = new Map();
  for (const one of theirs) if (here.has(asKey(one)) || !known.has(asKey(one))) all.set(asKey(one), one);
  for (const one of mine) if (!known.has(asKey(one))) all.set(asKey(one), one);
  return sorted([...all.values()]);
}
