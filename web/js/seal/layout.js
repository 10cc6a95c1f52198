// The bytes of a sealed note without any key (FORMAT.md, "Bytes"): heads, envelopes and record headers.

import { concat, equal, lp, u32, utf8 } from "./bytes.js";
import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{ suite: number, kid: Bytes, body: Bytes }} Envelope */
/** @typedef {{ noteId: Bytes, mailboxId: Bytes, commit: Bytes, envelopes: Envelope[], size: number }} Head */
/** @typedef {{ length: number, stream: number, flags: number, index: number, tMs: number, end: number }} RecordHeader */

export const SUITE = 1;
export const STREAM_MEDIA = 0;
export const STREAM_META = 2;
export const STREAM_PEAKS = 3;
export const STREAM_POSTER = 4;
export const FINAL = 1;
export const TAG = 16;
export const RECORD_HEADER = 14;

export const MAGIC = concat(utf8("SN1"), [1]);
export const NOTE_ID = 16;
const COMMIT = 32;
const FIXED = MAGIC.length + NOTE_ID + 2;
export const MAX_RECORD = 16 * 1024 * 1024;
const MAX_HEAD = 64 * 1024;
const ENVELOPE_FIXED = 11;

/**
 * @param {Bytes} publicKey
 * @returns {Promise<Bytes>} the 8 bytes by which an envelope names the key it is sealed to
 */
export async function kidOf(publicKey) {
  const hash = await crypto.subtle.digest("SHA-256", concat(utf8("sn1 kid"), [SUITE], publicKey));
  return new Uint8Array(hash, 0, 8);
}

/**
 * The head of a note.
 * @param {{ noteId: Bytes, mailboxId: string, commit: Bytes, envelopes: Bytes[] }} head
 * @returns {Bytes}
 * @throws {RangeError} for parts of a wrong size
 */
export function buildHead({ noteId, mailboxId, commit, envelopes }) {
  if (noteId.length !== NOTE_ID || commit.length !== COMMIT) throw new RangeError("a note id has 16 bytes and a commit 32");
  const packed = concat(...envelopes);
  const head = concat(MAGIC, noteId, lp(utf8(mailboxId)), commit, u32(packed.length), packed);
  if (head.length > MAX_HEAD) throw new RangeError("head above 64 KiB: too many recipients");
  return head;
}

/**
 * The clear header of a record, and the nonce that belongs to it.
 * @param {{ length: number, stream: number, flags: number, index: number, tMs: number }} header
 * @returns {{ header: Bytes, nonce: Bytes }}
 */
export function buildRecordHeader({ length, stream, flags, index, tMs }) {
  return { header: concat(u32(length), [stream, flags], u32(index), u32(tMs)), nonce: nonceOf(index, flags) };
}

/**
 * @param {number} index
 * @param {number} flags
 * @returns {Bytes} the index as 11 bytes, then the flags
 */
export function nonceOf(index, flags) {
  return concat(new Uint8Array(7), u32(index), [flags]);
}

/**
 * @param {Bytes} blob
 * @returns {Head}
 * @throws {Refused} `short head`, `magic`, `head length`
 */
export function splitHead(blob) {
  if (blob.length < FIXED) throw new Refused("short head");
  if (!equal(blob.subarray(0, MAGIC.length), MAGIC)) throw new Refused("magic");
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const mailboxEnd = FIXED + view.getUint16(FIXED - 2);
  const start = mailboxEnd + COMMIT + 4;
  if (start > MAX_HEAD) throw new Refused("head length");
  if (blob.length < start) throw new Refused("short head");
  const size = start + view.getUint32(start - 4);
  if (size > MAX_HEAD) throw new Refused("head length");
  if (blob.length < size) throw new Refused("short head");
  return {
    noteId: blob.slice(MAGIC.length, MAGIC.length + NOTE_ID),
    mailboxId: blob.slice(FIXED, mailboxEnd),
    commit: blob.slice(mailboxEnd, mailboxEnd + COMMIT),
    envelopes: splitEnvelopes(blob.slice(start, size)),
    size,
  };
}

/**
 * @param {Bytes} packed envelopes one after the other
 * @returns {Envelope[]}
 * @throws {Refused} `head length`
 */
export function splitEnvelopes(packed) {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const found = [];
  let at = 0;
  while (at < packed.length) {
    if (packed.length - at < ENVELOPE_FIXED) throw new Refused("head length");
    const body = at + ENVELOPE_FIXED;
    const end = body + view.getUint16(at + 9);
    if (end > packed.length) throw new Refused("head length");
    found.push({ suite: view.getUint8(at), kid: packed.slice(at + 1, at + 9), body: packed.slice(body, end) });
    at = end;
  }
  return found;
}

/**
 * The header of the whole record at `start`; null when the data ends before the record does.
 * @param {Bytes} data
 * @param {number} start
 * @returns {RecordHeader | null}
 * @throws {Refused} `record length`, told before null, so that no reader waits for bytes that may not come
 */
export function nextRecord(data, start) {
  if (data.length - start < RECORD_HEADER) return null;
  const view = new DataView(data.buffer, data.byteOffset + start, RECORD_HEADER);
  const length = view.getUint32(0);
  if (length < TAG || length > MAX_RECORD) throw new Refused("record length");
  const end = start + RECORD_HEADER + length;
  if (end > data.length) return null;
  return {
    length,
    stream: view.getUint8(4),
    flags: view.getUint8(5),
    index: view.getUint32(6),
    tMs: view.getUint32(10),
    end,
  };
}
