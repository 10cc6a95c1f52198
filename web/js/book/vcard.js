/**
 * vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350): who stands in a file, and a file of who stands in the book. A file may
 * be damaged, or made to harm: whatever it holds becomes contacts or is passed over, in one pass and bounded. Pure.
 */

import { contact } from "./contact.js";

/**
 * @typedef {import("./contact.js").Contact} Contact
 * @typedef {"no_name" | "no_number" | "unfinished" | "unclosed"} Why why something of a file is no contact; unclosed: a
 *   quote that nothing closes, whose line comes without it
 * @typedef {{at: number, contact: Contact | null, why: Why | null}} Found at: how far the file is read, in letters
 * @typedef {{name: string, params: Map<string, string[]>, value: string}} Property
 */

/** Letters that are looked at of one property: a picture has megabytes, and is none of ours. */
const LONGEST = 8192;

/** Numbers that are looked at in one card. */
const MOST_TELS = 200;

/**
 * @param {string} text
 * @returns {Generator<Found, void>}
 */
export function* readVcards(text) {
  /** @type {Property[] | null} */
  let card = null;
  let inner = 0;
  let before = "";
  for (const { line, at } of logicalLines(text)) {
    const property = parseLine(line);
    if (!property) continue;
    const mark = /^(BEGIN|END)$/.test(property.name) && property.value.trim().toUpperCase() === "VCARD" ? property.name : "";
    if (mark === "BEGIN" && card && (inner || before === "AGENT")) {
      inner += 1; // a card within a card (AGENT of 2.1) is somebody else
    } else if (mark === "BEGIN") {
      if (card) yield { at, contact: null, why: "unfinished" };
      card = [];
    } else if (mark === "END" && inner) {
      inner -= 1;
    } else if (mark === "END" && card) {
      yield { at, ...read(card) };
      card = null;
    } else if (card && !inner && wanted(card, property)) {
      card.push(property);
    }
    before = property.name;
  }
  if (card) yield { at: text.length, contact: null, why: "unfinished" };
}

/**
 * @param {readonly Contact[]} contacts
 * @returns {string} vCard 3.0, which everything reads
 */
export function writeVcards(contacts) {
  const lines = contacts.flatMap(({ name, numbers, note }) => [
    "BEGIN:VCARD", "VERSION:3.0", `FN:${escaped(name)}`, `N:${escaped(name)};;;;`,
    ...numbers.map((number) => `TEL;TYPE=VOICE:${escaped(number)}`), ...(note ? [`NOTE:${escaped(note)}`] : []), "END:VCARD",
  ]);
  return lines.map((line) => `${folded(line)}\r\n`).join("");
}

/**
 * @param {Property[]} card
 * @param {Property} property
 */
function wanted(card, { name }) {
  if (name === "TEL") return card.length < MOST_TELS;
  return ["FN", "N", "ORG", "NICKNAME", "NOTE"].includes(name) && !card.some((each) => each.name === name);
}

/**
 * @param {Property[]} card
 * @returns {{contact: Contact | null, why: Why | null}}
 */
function read(card) {
  const of = (/** @type {string} */ name) => card.find((each) => each.name === name);
  const [family = "", given = "", more = ""] = parts(of("N"));
  const [firm = ""] = parts(of("ORG"));
  const name = [text(of("FN")), [given, more, family].filter(Boolean).join(" "), text(of("NICKNAME")), firm].find((each) => each.trim()) ?? "";
  const numbers = card.filter((each) => each.name === "TEL").map(number);
  const found = contact({ name, numbers, note: text(of("NOTE")) });
  const why = !found.numbers.length ? "no_number" : !found.name ? "no_name" : null;
  return { contact: why ? null : found, why };
}

/**
 * Lines with those that continue them, and where each ends. Old phones break a quoted-printable value with "=" and go
 * on at the first letter of the next line.
 * @param {string} text
 * @returns {Generator<{line: string, at: number}, void>}
 */
function* logicalLines(text) {
  /** @type {string[]} */
  let pieces = [];
  let length = 0;
  let soft = false;
  let at = 0;
  while (at <= text.length) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    let line = text.slice(at, Math.min(end, at + LONGEST));
    if (line.endsWith("\r")) line = line.slice(0, -1);
    const continues = soft || (pieces.length > 0 && /^[ \t]/.test(line));
    if (!continues) {
      if (pieces.length) yield { line: pieces.join(""), at };
      pieces = [];
      length = 0;
    }
    if (length < LONGEST) pieces.push(continues && !soft ? line.slice(1) : line);
    length += line.length;
    soft = line.endsWith("=") && quotedPrintable(pieces[0] ?? "");
    if (soft && pieces.length) pieces[pieces.length - 1] = (pieces.at(-1) ?? "").replace(/=$/, "");
    at = end + 1;
  }
  if (pieces.length) yield { line: pieces.join(""), at: text.length };
}

/** @param {string} line the first of a value */
function quotedPrintable(line) {
  return /^[^:]*;(ENCODING=)?QUOTED-PRINTABLE[;:]/i.test(line);
}

/**
 * `group.NAME;PARAM=value;PARAM="a;b":value`.
 * @param {string} line
 * @returns {Property | null}
 */
function parseLine(line) {
  let quoted = false;
  let colon = -1;
  /** @type {number[]} */
  const cuts = [];
  for (let at = 0; at < line.length && colon < 0; at += 1) {
    const letter = line[at];
    if (letter === '"') quoted = !quoted;
    else if (letter === ":" && !quoted) colon = at;
    else if (letter === ";" && !quoted) cuts.push(at);
  }
  if (colon < 0) return null;
  const pieces = [...cuts, colon].map((cut, i) => line.slice(i ? (cuts[i - 1] ?? 0) + 1 : 0, cut));
  /** @type {Map<string, string[]>} */
  const params = new Map();
  for (const piece of pieces.slice(1)) {
    const [key = "", ...rest] = piece.split("=");
    // In 2.1 the value alone may stand there.
    const name = rest.length ? key.trim().toUpperCase() : BARE.get(piece.trim().toUpperCase()) ?? "TYPE";
    params.set(name, [...params.get(name) ?? [], (rest.length ? rest.join("=") : piece).trim().replace(/^"|"$/g, "")]);
  }
  const name = (pieces[0] ?? "").split(".").at(-1) ?? "";
  return { name: name.trim().toUpperCase(), params, value: line.slice(colon + 1) };
}

const BARE = new Map([["QUOTED-PRINTABLE", "ENCODING"], ["BASE64", "ENCODING"], ["8BIT", "ENCODING"]]);

/** @param {Property | undefined} property */
function text(property) {
  return property ? unescaped(decoded(property)) : "";
}

/**
 * Parts of a value that has several.
 * @param {Property | undefined} property
 * @returns {string[]}
 */
function parts(property) {
  if (!property) return [];
  return decoded(property).split(/(?<!\\);/).slice(0, 5).map((part) => unescaped(part).trim());
}

/** @param {Property} property */
function number(property) {
  const value = text(property).trim();
  if (!/^(tel|sip|sips):/i.test(value)) return value;
  const [bare = ""] = value.replace(/^\w+:/, "").split(/[;?]/);
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare;
  }
}

/** @param {Property} property */
function decoded({ params, value }) {
  const coded = params.get("ENCODING")?.some((each) => /^(QUOTED-PRINTABLE|Q)$/i.test(each));
  if (!coded) return value;
  const bytes = [];
  for (const piece of value.match(/=[0-9a-f]{2}|[^]/gi) ?? []) {
    if (piece.length === 3) bytes.push(parseInt(piece.slice(1), 16));
    else bytes.push(...new TextEncoder().encode(piece));
  }
  return inCharset(Uint8Array.from(bytes), params.get("CHARSET")?.[0]);
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string | undefined} charset as the file says; some say nothing, and some what is not so
 */
function inCharset(bytes, charset) {
  for (const label of [charset, "utf-8"]) {
    try {
      if (label) return new TextDecoder(label, { fatal: true }).decode(bytes);
    } catch {
      // Not in this one.
    }
  }
  return new TextDecoder("windows-1252").decode(bytes);
}

/** @param {string} value */
function unescaped(value) {
  return value.replace(/\\([\\;,:nN])/g, (_whole, letter) => (/n/i.test(letter) ? " " : letter));
}

/** @param {string} value */
function escaped(value) {
  return value.replace(/[\\;,]/g, "\\$&").replace(/[\r\n]+/g, "\\n");
}

/**
 * Lines of at most 75 bytes, as the standards want them; no letter is cut in two.
 * @param {string} line
 */
function folded(line) {
  let out = "";
  let bytes = 0;
  for (const letter of line) {
    const size = new TextEncoder().encode(letter).length;
    if (bytes + size > 75) {
      out += "\r\n ";
      bytes = 1;
    }
    out += letter;
    bytes += size;
  }
  return out;
}
