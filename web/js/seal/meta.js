// The JSON of stream 2. Whoever knows a mailbox's public key may have written it.

import { Refused } from "./refused.js";

/** Ours have a few hundred bytes; more than this is an attack. */
const MAX_META = 64 * 1024;
// With ignoreBOM the mark stays in the text, where JSON does not allow it.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param {Uint8Array} payload
 * @returns {object}
 * @throws {Refused} `meta` unless it is one JSON object (or only blanks: a final record may be empty)
 */
export function parseMeta(payload) {
  if (payload.length > MAX_META) throw new Refused("meta");
  let value;
  try {
    const text = decoder.decode(payload);
    value = /^[ \t\r\n]*$/.test(text) ? {} : JSON.parse(text, showable);
  } catch {
    throw new Refused("meta");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refused("meta");
  return value;
}

/**
 * Let nothing through that could not be written down again: half surrogates, infinities.
 * @param {string} key
 * @param {unknown} value
 */
function showable(key, value) {
  if (!key.isWellFormed()) throw new SyntaxError("half surrogate");
  if (typeof value === "string" && !value.isWellFormed()) throw new SyntaxError("half surrogate");
  if (typeof value === "number" && !Number.isFinite(value)) throw new SyntaxError("no such number");
  return value;
}
