// The JSON of stream 2. Whoever knows a mailbox's public key may have written it.

import { utf8 } from "./bytes.js";
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

/** Bytes to whose multiple JSON is padded, so that lengths tell little of names and numbers. */
const PAD = 256;

/**
 * A value as UTF-8 JSON with sorted keys, padded with blanks; half surrogates become `?`.
 * @param {unknown} value
 * @param {number} [block] bytes to whose multiple it is padded
 * @returns {import("./bytes.js").Bytes}
 * @throws {RangeError} for a number that JSON has no word for
 */
export function padJson(value, block = PAD) {
  const data = utf8(JSON.stringify(sorted(value)));
  const padded = new Uint8Array(data.length + (block - (data.length % block)) % block).fill(0x20);
  padded.set(data);
  return padded;
}

/**
 * @param {unknown} value
 * @returns {unknown}
 */
function sorted(value) {
  if (typeof value === "string") return value.replace(/\p{Surrogate}/gu, "?");
  if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("no such number");
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const pairs = Object.entries(value).map(([key, each]) => [String(sorted(key)), sorted(each)]);
  return Object.fromEntries(pairs.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}
