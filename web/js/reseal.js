/** A note and its call, sealed anew for another mailbox: new ids, new keys, the same sound byte for byte. */

import { isG711 } from "./g711.js";
import { concat, join, toHex } from "./seal/bytes.js";
import { newId, NoteSealer, sealMeta } from "./seal/close.js";
import { STREAM_MEDIA, STREAM_META, STREAM_PEAKS } from "./seal/layout.js";
import { padJson } from "./seal/meta.js";

/**
 * @typedef {import("./seal/bytes.js").Bytes} Bytes
 * @typedef {import("./seal/close.js").Recipient} Recipient
 * @typedef {import("./seal/open.js").OpenedNote} OpenedNote
 * @typedef {import("./record.js").CallRecord} CallRecord
 * @typedef {import("./record.js").Forwarding} Forwarding
 * @typedef {{id: string, callId: string, call: Bytes, head: Bytes, records: Bytes}} Resealed call: the whole call
 *   record; records: all of the note behind its head
 */

/** Bytes of a record: of G.711 half a second, as the bridge has it, so that lengths tell nothing. */
const SEGMENT = 4000;
const SLICE = 16_384;

/** Peaks of a record: five seconds, as the bridge has it. */
const PEAKS = 50;
const PEAK_MS = 100;

/** Longest text of a caller that goes on: a display name may be as long as a SIP message. */
const LONGEST = 500;

/** How often a note is told to have been forwarded: the last times. */
const MOST = 4;

/**
 * @param {{call: CallRecord, reason: string, note: OpenedNote, forwarded: Forwarding}} what
 * @param {Recipient} recipient
 * @returns {Promise<Resealed>}
 * @throws {import("./seal/refused.js").Refused} `public key`
 */
export async function resealed({ call, reason, note, forwarded }, recipient) {
  const [id, callId] = [newId(), newId()];
  const sealer = await NoteSealer.begin(id, recipient);
  const { type, started_at: startedAt } = note.meta;
  const common = { v: 1, kind: "note" };
  const records = [await sealer.record(STREAM_META, padJson({ ...common, type: brief(type), started_at: brief(startedAt) }), 0)];
  const all = note.media.length;
  await pieces(note.media, isG711(String(type)) ? SEGMENT : SLICE, async (piece, at, last) => {
    records.push(await sealer.record(STREAM_MEDIA, piece, all ? note.seconds * 1000 * (at / all) : 0, last));
  });
  if (note.peaks.length) {
    await pieces(note.peaks, PEAKS, async (piece, at, last) => {
      records.push(await sealer.record(STREAM_PEAKS, piece, at * PEAK_MS, last));
    });
  }
  const { [STREAM_META]: _own, ...streams } = sealer.counts;
  const ended = note.cutOff ? "cut_off" : brief(note.meta.ended);
  const end = { ...common, seconds: note.seconds, ended, streams, ...(note.meta.urgent === true && { urgent: true }) };
  records.push(await sealer.record(STREAM_META, padJson(end), note.seconds * 1000, true));
  sealer.forget();
  return {
    id: toHex(id), callId: toHex(callId), call: await sealMeta(callId, recipient, callRecord(call, reason, forwarded)),
    head: sealer.head, records: join(records),
  };
}

/**
 * @param {CallRecord} call
 * @param {string} reason
 * @param {Forwarding} forwarded
 */
function callRecord(call, reason, forwarded) {
  const { number, name, presentation } = call.from;
  return {
    v: 1, kind: "call", from: { number: brief(number), name: brief(name), presentation }, dialled: brief(call.dialled),
    forwarded_from: brief(call.forwarded_from) || null, group: call.group, reason, rang_at: brief(call.rang_at),
    rang_s: call.rang_s, forwarded: [...call.forwarded ?? [], forwarded].slice(-MOST),
  };
}

/**
 * @param {Bytes} data
 * @param {number} size
 * @param {(piece: Bytes, at: number, last: boolean) => Promise<void>} take one piece at least, an empty one of nothing
 */
async function pieces(data, size, take) {
  let at = 0;
  do {
    await take(data.slice(at, at + size), at, at + size >= data.length);
    at += size;
  } while (at < data.length);
}

/** @param {unknown} value */
function brief(value) {
  return typeof value === "string" ? [...value].slice(0, LONGEST).join("") : "";
}

/**
 * All of a note's bytes, with its head.
 * @param {Resealed} made
 */
export function blobOf({ head, records }) {
  return concat(head, records);
}
