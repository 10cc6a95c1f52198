/**
 * Tables of contacts as programs write them: Google, Outlook, address books of telephones, a sheet made by hand; in
 * English and German. What is no contact is passed over, in one pass and bounded. A formula in a cell is text. Pure.
 */

import { cleanNumber, contact } from "./contact.js";

/**
 * @typedef {import("./vcard.js").Found} Found
 * @typedef {{whole: number, given: number, middle: number, family: number, firm: number, note: number, phones: number[]}} Columns
 *   where each stands; -1: nowhere
 */

/** Letters of a cell and cells of a line that are looked at. */
const LONGEST_CELL = 2000;
const MOST_CELLS = 400;

/** Headings as they are compared: without case, accents, digits and what stands between words. */
const HEADINGS = {
  whole: ["name", "full name", "display name", "displayname", "file as", "anzeigename", "vollstandiger name", "kontakt", "kontaktname", "contact", "contact name", "realname"],
  given: ["first name", "given name", "firstname", "vorname"],
  middle: ["middle name", "additional name", "weitere vornamen", "zweiter vorname"],
  family: ["last name", "family name", "lastname", "surname", "nachname", "familienname"],
  firm: ["organization name", "organisation name", "organization", "organisation", "company", "company name", "firma", "unternehmen"],
  note: ["notes", "note", "notizen", "notiz", "bemerkung", "bemerkungen", "anmerkung", "kommentar"],
};

/** Parts of the heading of a column of numbers; and of one beside it, which tells their kind. */
const PHONE = /phone|telefon|telephon|mobil|handy|\btel\b|rufnummer|\bfax\b|pager|^(number|nummer|privat|gesch(a|ae)ftlich|home|work|business|festnetz|zentrale)$/;
const NO_PHONE = /type|label|\btyp\b|art$|bezeichnung|pronunciation|yomi|adress|mail|web/;

/**
 * @param {string} text
 * @returns {Generator<Found, void>} nothing at all: its columns are not known
 */
export function* readCsv(text) {
  const { start, delimiter } = shape(text);
  /** @type {Columns | null} */
  let columns = null;
  for (const { cells, at, unclosed } of lines(text, start, delimiter)) {
    if (unclosed) yield { at, contact: null, why: "unclosed" };
    if (!cells.some((cell) => cell.trim())) continue;
    if (!columns) {
      columns = headings(cells);
      if (columns) continue;
      columns = guessed(cells);
      if (!columns) return;
    }
    yield { at, ...read(cells, columns) };
  }
}

/**
 * Which letter stands between cells: the one that the first line has most of, outside of quotes.
 * @param {string} text
 */
function shape(text) {
  const told = /^sep=(.)\r?\n/i.exec(text.slice(0, 10));
  if (told) return { start: told[0].length, delimiter: told[1] ?? "," };
  const counts = { ";": 0, ",": 0, "\t": 0 };
  let quoted = false;
  for (const letter of text.slice(0, 20_000)) {
    if (letter === '"') quoted = !quoted;
    else if (letter === "\n" && !quoted) break;
    else if (!quoted && letter in counts) counts[/** @type {keyof typeof counts} */ (letter)] += 1;
  }
  const [best] = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  return { start: 0, delimiter: best?.[0] ?? "," };
}

/**
 * RFC 4180, and what programs make of it: a quote within a cell that did not begin with one is a letter. One that nothing
 * closes is left out, or the rest of the file would be its cell: its line is told as `unclosed`.
 * @param {string} text
 * @param {number} start
 * @param {string} delimiter
 * @returns {Generator<{cells: string[], at: number, unclosed: boolean}, void>}
 */
function* lines(text, start, delimiter) {
  /** @type {string[]} */
  let cells = [];
  let at = start;
  let unclosed = false;
  while (at < text.length) {
    const quoted = text[at] === '"' ? quotedCell(text, at) : null;
    unclosed ||= text[at] === '"' && !quoted;
    const { cell, end } = quoted ?? plainCell(text, at + (text[at] === '"' ? 1 : 0), delimiter);
    if (cells.length < MOST_CELLS) cells.push(cell);
    at = end;
    if (text[at] === delimiter) {
      at += 1;
      if (at < text.length) continue;
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n" || at >= text.length || text[at - 1] === "\r") {
      if (text[at] === "\n") at += 1;
      yield { cells, at, unclosed };
      cells = [];
      unclosed = false;
    }
  }
  if (cells.length) yield { cells, at: text.length, unclosed };
}

/**
 * @param {string} text
 * @param {number} at
 * @param {string} delimiter
 */
function plainCell(text, at, delimiter) {
  let end = at;
  while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return { cell: text.slice(at, Math.min(end, at + LONGEST_CELL)), end };
}

/**
 * @param {string} text
 * @param {number} at
 * @returns {{cell: string, end: number} | null} null: nothing closes it, which is found once in a file at most: from
 *   there on all quotes are in pairs
 */
function quotedCell(text, at) {
  const pieces = [];
  let length = 0;
  let from = at + 1;
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) return null;
    const doubled = text[end + 1] === '"';
    if (length < LONGEST_CELL) pieces.push(text.slice(from, Math.min(end, from + LONGEST_CELL)), doubled ? '"' : "");
    length += end - from + 1;
    if (!doubled) return { cell: pieces.join("").slice(0, LONGEST_CELL), end: end + 1 };
    from = end + 2;
  }
}

/**
 * @param {string[]} cells
 * @returns {Columns | null} null: this is no line of headings
 */
function headings(cells) {
  const names = cells.map(heading);
  const find = (/** @type {string[]} */ known) => {
    const at = known.map((one) => names.indexOf(one)).find((found) => found >= 0);
    return at ?? -1;
  };
  const columns = /** @type {Columns} */ ({
    ...Object.fromEntries(Object.entries(HEADINGS).map(([key, known]) => [key, find(known)])),
    phones: names.flatMap((name, at) => (PHONE.test(name) && !NO_PHONE.test(name) ? [at] : [])),
  });
  const named = [columns.whole, columns.given, columns.family, columns.firm].some((at) => at >= 0);
  return named && columns.phones.length ? columns : null;
}

/** @param {string} cell */
function heading(cell) {
  return cell.slice(0, 100).normalize("NFKD").replace(/\p{M}/gu, "").replaceAll("ß", "ss").toLowerCase()
    .replace(/\b(value|\d+)\b/g, " ").replace(/[^a-z]+/g, " ").trim();
}

/**
 * A sheet without headings: in its first line a name stands beside a number.
 * @param {string[]} cells
 * @returns {Columns | null}
 */
function guessed(cells) {
  const phones = cells.flatMap((cell, at) => (cleanNumber(cell).replace(/\D/g, "").length > 2 ? [at] : []));
  const whole = cells.findIndex((cell, at) => !phones.includes(at) && /\p{L}/u.test(cell));
  if (!phones.length || whole < 0) return null;
  return { whole, given: -1, middle: -1, family: -1, firm: -1, note: -1, phones };
}

/**
 * @param {string[]} cells
 * @param {Columns} columns
 * @returns {Omit<Found, "at">}
 */
function read(cells, { whole, given, middle, family, firm, note, phones }) {
  const cell = (/** @type {number} */ at) => (cells[at] ?? "").trim();
  const people = [given, middle, family].map(cell).filter(Boolean).join(" ");
  const name = [cell(whole), people, cell(firm)].find(Boolean) ?? "";
  // Google writes several numbers of one kind into one cell.
  const numbers = phones.flatMap((at) => cell(at).split(" ::: "));
  const found = contact({ name, numbers, note: cell(note) });
  const why = !found.numbers.length ? "no_number" : !found.name ? "no_name" : null;
  return { contact: why ? null : found, why };
}
