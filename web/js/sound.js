/** From a sealed note to something that an audio element plays. */

import * as api from "./api.js";
import { decode, isG711, SAMPLE_RATE, wav } from "./g711.js";
import { Keyring } from "./keyring.js";
import { unopened } from "./refusal.js";
import { Refused } from "./seal/refused.js";
import { silences } from "./silence.js";
import { clip } from "./who.js";
import { say } from "./words.js";

/**
 * @typedef {{sound: Blob, seconds: number, peaks: Uint8Array, gaps: Span[], silences: Span[], cutOff: boolean}} Playable
 *   gaps: what is lost inside the note; cutOff: its end is
 * @typedef {{at: number, length: number}} Gap
 * @typedef {import("./api.js").NoteData} NoteData
 * @typedef {import("./silence.js").Span} Span
 * @typedef {"again" | "rest" | null} Remedy what may help: the same once more, or without the broken pieces
 */

/** Samples of one peak: 100 ms. */
const PEAK_SAMPLES = SAMPLE_RATE / 10;

/** Most silence that one lost record may become: a G.711 segment's bytes, whatever its header claims. */
const GAP_BYTES = 4000;

/** Why a note does not play; for people. */
export class Unplayable extends Error {
  /**
   * @param {string} message
   * @param {Remedy} [remedy]
   */
  constructor(message, remedy = null) {
    super(message);
    this.remedy = remedy;
  }
}

/** The line or the server is to blame, not the note. */
export class Unreachable extends Unplayable {}

/**
 * Fetch a note, open it, and make a WAV of it.
 * @param {Keyring} keyring
 * @param {string} mailboxId
 * @param {NoteData} data its row
 * @param {boolean} partly play what is intact
 * @returns {Promise<Playable>}
 * @throws {Unplayable}
 */
export async function playable(keyring, mailboxId, data, partly) {
  const note = await whole(keyring, mailboxId, data, partly);
  if (!note.media.length && !note.gaps.length) throw new Unplayable(say("no_sound"), "again");
  const type = String(note.meta.type);
  if (!isG711(type)) throw new Unplayable(say("cannot_play", { type: clip(type) }));
  const { samples, gaps } = withGaps(decode(note.media, type), note.gaps);
  return {
    sound: new Blob([wav(samples)], { type: "audio/wav" }),
    seconds: samples.length / SAMPLE_RATE,
    peaks: note.peaks.length ? note.peaks : peaksOf(samples),
    gaps,
    // Nobody knows what was said where a piece is lost: that silence is heard.
    silences: silences(samples, SAMPLE_RATE).filter(({ from, to }) => gaps.every((gap) => gap.to <= from || to <= gap.from)),
    // A note that was forwarded ends as it should, and tells that the one it was made of did not.
    cutOff: note.cutOff || note.meta.ended === "cut_off",
  };
}

/**
 * Fetch a note and open it.
 * @param {Keyring} keyring
 * @param {string} mailboxId
 * @param {NoteData} data its row
 * @param {boolean} partly take what is intact
 * @param {"exported"} [act] what the mailbox's log is to say
 * @throws {Unplayable}
 */
export async function whole(keyring, mailboxId, data, partly, act) {
  return opened(keyring, await fetched(data.id, act), mailboxId, data, partly);
}

/**
 * @param {string} noteId
 * @param {"exported"} [act]
 */
async function fetched(noteId, act) {
  try {
    return await api.blob(noteId, act);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw new Unreachable(say("broke_off"), "again");
    if (error.status === 0) throw new Unreachable(say("note_offline"), "again");
    if (error.status === 404) throw new Unplayable(say("note_gone"));
    throw new Unreachable(error.message, "again");
  }
}

/**
 * @param {Keyring} keyring
 * @param {Uint8Array<ArrayBuffer>} blob
 * @param {string} mailboxId
 * @param {NoteData} data
 * @param {boolean} partly
 */
async function opened(keyring, blob, mailboxId, data, partly) {
  try {
    return await keyring.openBlob(blob, mailboxId, data, partly);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.word === "record" && !partly) throw new Unplayable(say("damaged"), "rest");
    if (error.word === "update needed") throw new Unplayable(say("update_needed"));
    if (error.word === "not sealed to this key") throw new Unplayable(say("other_key"), "again");
    throw new Unplayable(unopened(error), "again");
  }
}

/**
 * Silence where records were lost, so that what is heard stays in its place.
 * @param {Int16Array<ArrayBuffer>} samples
 * @param {Gap[]} lost in order; one byte of G.711 is one sample
 */
export function withGaps(samples, lost) {
  const lengths = lost.map((gap) => Math.min(gap.length, GAP_BYTES));
  const whole = new Int16Array(samples.length + lengths.reduce((sum, length) => sum + length, 0));
  /** @type {Span[]} */
  const gaps = [];
  let from = 0;
  let to = 0;
  lost.forEach((gap, i) => {
    const piece = samples.subarray(from, gap.at);
    whole.set(piece, to);
    from = gap.at;
    const begin = (to + piece.length) / SAMPLE_RATE;
    to += piece.length + /** @type {number} */ (lengths[i]);
    const last = gaps.at(-1);
    if (last?.to === begin) last.to = to / SAMPLE_RATE;
    else gaps.push({ from: begin, to: to / SAMPLE_RATE });
  });
  whole.set(samples.subarray(from), to);
  return { samples: whole, gaps };
}

/**
 * Peaks as the bridge makes them, for a note whose own are missing (it was cut off).
 * @param {Int16Array} samples
 */
function peaksOf(samples) {
  return Uint8Array.from({ length: Math.ceil(samples.length / PEAK_SAMPLES) }, (_, i) => {
    const window = samples.subarray(i * PEAK_SAMPLES, (i + 1) * PEAK_SAMPLES);
    return Math.min(255, window.reduce((top, sample) => Math.max(top, Math.abs(sample)), 0) >> 7);
  });
}
