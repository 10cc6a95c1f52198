// The reader of sealed notes (FORMAT.md). What was asked for decides, never what the blob says of itself.

import { equal, join, utf8 } from "./bytes.js";
import { openEnvelopes, streamKey } from "./derive.js";
import {
  FINAL,
  nextRecord,
  nonceOf,
  RECORD_HEADER,
  splitEnvelopes,
  splitHead,
  STREAM_MEDIA,
  STREAM_META,
  STREAM_PEAKS,
  STREAM_POSTER,
  TAG,
} from "./layout.js";
import { parseMeta } from "./meta.js";
import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./curve.js").KeyPair} KeyPair */
/** @typedef {import("./layout.js").RecordHeader} RecordHeader */

/**
 * A record of the media that was passed over in damaged mode: `at` is where in the media its `length` bytes
 * are missing. Index, length and time are what its header claims; nothing vouches for them.
 * @typedef {{ index: number, tMs: number, length: number, at: number }} Gap
 */

/**
 * A note in clear. `meta` is the JSON of stream 2 merged (later keys win); `peaks` has one byte per 100 ms;
 * `cutOff`: the end is missing, by a crash or because somebody deleted it (the two cannot be told apart);
 * `seconds` is as its end tells, else counted from the records that are there.
 * @typedef {{
 *   media: Bytes, meta: Record<string, unknown>, peaks: Bytes, cutOff: boolean, gaps: Gap[], seconds: number,
 * }} OpenedNote
 */

/** What the time field of a record can tell. */
const MOST_SECONDS = 0xffffffff / 1000;
const BYTES_PER_SECOND = new Map([
  ["audio/PCMU", 8000],
  ["audio/PCMA", 8000],
]);

/**
 * Open a whole note or call record.
 * @param {Bytes} blob
 * @param {{ noteId: Bytes, mailboxId: string, keys: KeyPair[], envelopes?: Bytes[], damaged?: boolean }} asked
 *   `keys` are those of the mailbox, of all epochs at hand; `envelopes` those of the note's row, which stand
 *   before those in the blob; `damaged` passes over media records whose tag fails and lists them as gaps
 * @returns {Promise<OpenedNote>}
 * @throws {Refused} with a word of FORMAT.md
 */
export async function openNote(blob, { noteId, mailboxId, keys, envelopes, damaged = false }) {
  const head = splitHead(blob);
  if (!equal(head.noteId, noteId) || !equal(head.mailboxId, utf8(mailboxId))) throw new Refused("not this note");
  const sealedTo = envelopes === undefined ? head.envelopes : splitEnvelopes(join(envelopes));
  const noteKey = await openEnvelopes(sealedTo, { noteId, mailboxId, commit: head.commit, keys });
  const reader = new Reader(noteKey, { noteId, mailboxId }, damaged);
  const torn = await reader.read(blob.subarray(head.size));
  return reader.note(torn || reader.incomplete());
}

/**
 * Open the copies of records (streams 2 and 3) that a note's row keeps; its blob is not needed. The media is
 * empty then, and `cutOff` says that the row has no final meta record.
 * @param {Bytes[]} records with their headers, in order
 * @param {{ noteId: Bytes, mailboxId: string, keys: KeyPair[], commit: Bytes, envelopes: Bytes[] }} row
 * @returns {Promise<OpenedNote>}
 * @throws {Refused} with a word of FORMAT.md
 */
export async function openRow(records, { noteId, mailboxId, keys, commit, envelopes }) {
  const noteKey = await openEnvelopes(splitEnvelopes(join(envelopes)), { noteId, mailboxId, commit, keys });
  const reader = new Reader(noteKey, { noteId, mailboxId }, false);
  const torn = await reader.read(join(records));
  return reader.note(torn || !reader.ended(STREAM_META));
}

/** @typedef {{ key: CryptoKey, count: number, ended: boolean, payloads: Bytes[] }} Stream */

/** Checks and opens records in the order in which they stand. */
class Reader {
  /** @type {Map<number, Stream>} */ #streams = new Map();
  /** @type {Gap[]} */ #gaps = [];
  /** @type {Record<string, unknown>} No prototype: a sealed `__proto__` is a key like others. */
  #meta = Object.create(null);
  #mediaBytes = 0;
  #lastTMs = 0;
  #noteKey;
  #asked;
  #damaged;

  /**
   * @param {Bytes} noteKey
   * @param {import("./derive.js").Asked} asked
   * @param {boolean} damaged
   */
  constructor(noteKey, asked, damaged) {
    this.#noteKey = noteKey;
    this.#asked = asked;
    this.#damaged = damaged;
  }

  /**
   * Open every whole record.
   * @param {Bytes} data
   * @returns {Promise<boolean>} whether a torn one is left over
   */
  async read(data) {
    let at = 0;
    while (at < data.length) {
      const header = nextRecord(data, at);
      if (header === null) return true;
      await this.#record(header, data.subarray(at, header.end));
      at = header.end;
    }
    return false;
  }

  /** @param {number} stream */
  ended(stream) {
    return this.#streams.get(stream)?.ended === true;
  }

  /** Whether something that the writer must have written is missing at the end. */
  incomplete() {
    const allEnded = [...this.#streams.values()].every((stream) => stream.ended);
    if (!allEnded || !this.ended(STREAM_META)) return true;
    if (this.#meta.kind !== "call" && !this.ended(STREAM_MEDIA)) return true;
    const told = this.#meta.streams;
    if (typeof told !== "object" || told === null || Array.isArray(told)) return false;
    const here = new Map([...this.#streams].map(([number, stream]) => [String(number), stream.count]));
    return Object.entries(told).some(([name, count]) => typeof count === "number" && (here.get(name) ?? 0) < count);
  }

  /**
   * @param {boolean} cutOff
   * @returns {OpenedNote}
   */
  note(cutOff) {
    return {
      media: this.#joined(STREAM_MEDIA),
      meta: this.#meta,
      peaks: this.#joined(STREAM_PEAKS),
      cutOff,
      gaps: this.#gaps,
      seconds: this.#seconds(cutOff),
    };
  }

  /** @param {boolean} cutOff */
  #seconds(cutOff) {
    const told = this.#meta.seconds;
    if (!cutOff && typeof told === "number" && told >= 0 && told <= MOST_SECONDS) return told;
    const rate = BYTES_PER_SECOND.get(String(this.#meta.type));
    return rate === undefined ? this.#lastTMs / 1000 : this.#mediaBytes / rate;
  }

  /** @param {number} stream */
  #joined(stream) {
    return join(this.#streams.get(stream)?.payloads ?? []);
  }

  /**
   * @param {RecordHeader} header
   * @param {Bytes} record
   */
  async #record(header, record) {
    if (header.flags & ~FINAL) throw new Refused("flags");
    let stream = this.#streams.get(header.stream);
    if (stream === undefined) {
      stream = { key: await streamKey(this.#noteKey, header.stream, this.#asked), count: 0, ended: false, payloads: [] };
      this.#streams.set(header.stream, stream);
    }
    if (stream.ended) throw new Refused("after final");
    if (header.index !== stream.count) throw new Refused("index");
    const payload = await this.#unseal(stream, header, record);
    stream.count += 1;
    if (payload === null) return;
    const final = (header.flags & FINAL) !== 0;
    if (payload.length === 0 && !final) throw new Refused("empty");
    stream.ended = final;
    this.#take(stream, header, payload);
  }

  /**
   * The plaintext; null for a damaged record of the media that may be passed over. Such a record is never
   * believed to be final: its flags are as unproven as its sound.
   * @param {Stream} stream
   * @param {RecordHeader} header
   * @param {Bytes} record
   */
  async #unseal(stream, header, record) {
    const iv = nonceOf(header.index, header.flags);
    const additionalData = record.subarray(0, RECORD_HEADER);
    try {
      const sealed = record.subarray(RECORD_HEADER);
      return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, stream.key, sealed));
    } catch {
      if (!this.#damaged || header.stream !== STREAM_MEDIA) throw new Refused("record");
    }
    this.#gaps.push({ index: header.index, tMs: header.tMs, length: header.length - TAG, at: this.#mediaBytes });
    return null;
  }

  /**
   * @param {Stream} stream
   * @param {RecordHeader} header
   * @param {Bytes} payload
   */
  #take(stream, header, payload) {
    if (header.stream > STREAM_POSTER) return; // from the future: proven to be the writer's, and passed over
    if (header.stream === STREAM_META) {
      Object.assign(this.#meta, parseMeta(payload));
      return;
    }
    stream.payloads.push(payload);
    if (header.stream === STREAM_MEDIA) {
      this.#mediaBytes += payload.length;
      this.#lastTMs = header.tMs;
    }
  }
}
