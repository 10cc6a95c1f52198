// The writer of sealed notes (FORMAT.md): one writer, one take, one key. It cannot open what it has closed.

import { concat } from "./bytes.js";
import { commitOf, sealEnvelope, streamKey } from "./derive.js";
import { buildHead, buildRecordHeader, FINAL, MAX_RECORD, STREAM_META, TAG } from "./layout.js";
import { padJson } from "./meta.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{ mailboxId: string, publicKey: Bytes }} Recipient a mailbox and the key of its present epoch */

const ID = 16;
const NOTE_KEY = 32;
const MOST_MS = 0xffffffff;

/** An id that nobody has used. */
export function newId() {
  return crypto.getRandomValues(new Uint8Array(ID));
}

/**
 * A whole SN1 with one record, the final one of stream 2: a call record.
 * @param {Bytes} id
 * @param {Recipient} recipient
 * @param {Record<string, unknown>} meta
 * @returns {Promise<Bytes>}
 * @throws {import("./refused.js").Refused} `public key`
 */
export async function sealMeta(id, recipient, meta) {
  const sealer = await NoteSealer.begin(id, recipient);
  const record = await sealer.record(STREAM_META, padJson(meta), 0, true);
  sealer.forget();
  return concat(sealer.head, record);
}

/** Seals one take: whoever starts again does so with a new id and a new sealer. */
export class NoteSealer {
  /** @type {Map<number, { key: Promise<CryptoKey>, count: number, ended: boolean }>} */
  #streams = new Map();
  /** @type {Bytes | null} */
  #noteKey;
  #asked;

  /**
   * @param {Bytes} noteKey
   * @param {import("./derive.js").Asked} asked
   * @param {Bytes} head
   */
  constructor(noteKey, asked, head) {
    this.#noteKey = noteKey;
    this.#asked = asked;
    /** What goes first into the blob. */
    this.head = head;
  }

  /**
   * @param {Bytes} noteId 16 bytes, never used before
   * @param {Recipient} recipient
   * @returns {Promise<NoteSealer>}
   * @throws {import("./refused.js").Refused} `public key`
   */
  static async begin(noteId, { mailboxId, publicKey }) {
    const noteKey = crypto.getRandomValues(new Uint8Array(NOTE_KEY));
    const asked = { noteId, mailboxId };
    const commit = await commitOf(noteKey, asked);
    const envelopes = [await sealEnvelope(noteKey, asked, publicKey)];
    return new NoteSealer(noteKey, asked, buildHead({ noteId, mailboxId, commit, envelopes }));
  }

  /** How many records each stream has, as the final meta record tells them. */
  get counts() {
    return Object.fromEntries([...this.#streams].map(([stream, { count }]) => [String(stream), count]));
  }

  /**
   * The next record of a stream. Indexes are given out in the order of the calls, whichever is done first.
   * @param {number} stream
   * @param {Bytes} payload
   * @param {number} tMs milliseconds of media before the record
   * @param {boolean} [final]
   * @returns {Promise<Bytes>}
   * @throws {RangeError} after the stream's final record, for an empty one that is not final, above 16 MiB, after
   *   `forget`, for a time outside of its field
   */
  async record(stream, payload, tMs, final = false) {
    const state = this.#stream(stream);
    if (state.ended) throw new RangeError("the stream has had its final record");
    if (!payload.length && !final) throw new RangeError("an empty record that is not final is not written");
    if (payload.length + TAG > MAX_RECORD) throw new RangeError("record above 16 MiB");
    if (!(tMs >= 0 && tMs <= MOST_MS)) throw new RangeError("time outside of its field");
    const flags = final ? FINAL : 0;
    const { header, nonce } = buildRecordHeader({
      length: payload.length + TAG, stream, flags, index: state.count, tMs: Math.floor(tMs),
    });
    state.count += 1;
    state.ended = final;
    const how = { name: "AES-GCM", iv: nonce, additionalData: header };
    return concat(header, new Uint8Array(await crypto.subtle.encrypt(how, await state.key, payload)));
  }

  /** Drop the keys: from here on only the recipient can open the note, and nobody can add to it. */
  forget() {
    this.#noteKey?.fill(0);
    this.#noteKey = null;
    for (const state of this.#streams.values()) state.ended = true;
  }

  /** @param {number} stream */
  #stream(stream) {
    let state = this.#streams.get(stream);
    if (!state) {
      if (!this.#noteKey) throw new RangeError("the note key is forgotten");
      state = { key: streamKey(this.#noteKey, stream, this.#asked, "encrypt"), count: 0, ended: false };
      this.#streams.set(stream, state);
    }
    return state;
  }
}
