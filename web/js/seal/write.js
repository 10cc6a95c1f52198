// The writer of sealed notes that a page makes whole, in one go (FORMAT.md, "Bytes"). Each has a key of its own,
// which is gone when this returns: nothing can be added to it later.

import { concat, join, lp, u32, utf8 } from "./bytes.js";
import { commitOf, sealEnvelope, streamKey } from "./derive.js";
import { FINAL, MAGIC, NOTE_ID, RECORD_HEADER, TAG } from "./layout.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

/** Bytes to whose multiple JSON is padded, so that lengths tell little of what stands in it. */
export const PAD = 256;

/** @returns {Bytes} the id of a note that is to be written; never used before */
export function newNoteId() {
  return crypto.getRandomValues(new Uint8Array(NOTE_ID));
}

/**
 * @param {{ noteId: Bytes, mailboxId: string, publicKey: Bytes }} to a new note id; to whom, and to whose key
 * @param {Map<number, Bytes[]>} streams the records of each stream in their order; the last one is its final record
 * @returns {Promise<Bytes>} a whole SN1
 * @throws {import("./refused.js").Refused} `public key`
 */
export async function sealNote({ noteId, mailboxId, publicKey }, streams) {
  const asked = { noteId, mailboxId };
  const noteKey = crypto.getRandomValues(new Uint8Array(32));
  const envelope = await sealEnvelope(noteKey, asked, publicKey);
  const commit = await commitOf(noteKey, asked);
  const parts = [MAGIC, noteId, lp(utf8(mailboxId)), commit, u32(envelope.length), envelope];
  for (const [stream, payloads] of streams) {
    const key = await streamKey(noteKey, stream, asked, "encrypt");
    for (const [index, payload] of payloads.entries()) {
      parts.push(await sealRecord(key, stream, index, index === payloads.length - 1 ? FINAL : 0, payload));
    }
  }
  noteKey.fill(0);
  return join(parts);
}

/**
 * JSON in UTF-8, padded with blanks.
 * @param {object} value
 * @param {number} [block]
 * @returns {Bytes}
 */
export function padJson(value, block = PAD) {
  const data = utf8(JSON.stringify(value));
  const padded = new Uint8Array(Math.ceil(data.length / block) * block).fill(0x20);
  padded.set(data);
  return padded;
}

/**
 * @param {CryptoKey} key
 * @param {number} stream
 * @param {number} index
 * @param {number} flags
 * @param {Bytes} payload
 * @returns {Promise<Bytes>}
 */
async function sealRecord(key, stream, index, flags, payload) {
  const additionalData = concat(u32(payload.length + TAG), [stream, flags], u32(index), u32(0));
  if (additionalData.length !== RECORD_HEADER) throw new RangeError("not a record's header");
  const iv = concat(new Uint8Array(7), u32(index), [flags]);
  return concat(additionalData, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, payload)));
}
