/** A file of contacts, from its bytes on. It is read here and goes nowhere. Pure. */

import { readCsv } from "./csv.js";
import { readVcards } from "./vcard.js";

/** Bytes of a file at most: with pictures in it, still some thousand people. */
export const MOST_FILE = 10 * 1024 * 1024;

/**
 * @param {Uint8Array<ArrayBuffer>} bytes at most MOST_FILE of them
 * @returns {{length: number, found: Generator<import("./vcard.js").Found, void>}} length: what `at` of the last one comes to
 */
export function contactsIn(bytes) {
  const text = textOf(bytes);
  const cards = /^\s*BEGIN\s*:\s*VCARD/im.test(text.slice(0, 4096));
  return { length: text.length, found: cards ? readVcards(text) : readCsv(text) };
}

/**
 * UTF-8, else what Windows writes; UTF-16 where a mark says so, as Excel's "Unicode text".
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function textOf(bytes) {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return new TextDecoder(first === 0xff ? "utf-16le" : "utf-16be").decode(bytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
