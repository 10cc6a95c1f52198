/** Calls and notes in clear, as files of one archive, one note at a time: what an export seals to somebody else. */

import { decode, isG711, SAMPLE_RATE, wav } from "./g711.js";
import { utf8 } from "./seal/bytes.js";
import { fileName } from "./save.js";
import { Unreachable, withGaps } from "./sound.js";
import * as tar from "./tar.js";

/**
 * @typedef {import("./api.js").NoteData} NoteData
 * @typedef {import("./seal/open.js").OpenedNote} OpenedNote
 * @typedef {import("./shelf.js").Entry} Entry
 * @typedef {Pick<Entry, "data" | "opened">} Call
 * @typedef {(call: Call, note: NoteData) => Promise<OpenedNote>} Fetch fetches and opens a note; throws Error for people
 * @typedef {{calls: number, notes: number, bytes: number}} Estimate
 * @typedef {{notes: number, lost: number}} Done how many notes are through, and how many of them could not be opened
 */

/** Bytes of what rows.json tells of one call or note, about. */
const ROW_BYTES = 700;

/** Kept notes alone have a sound that is whole. */
const whole = (/** @type {Call} */ call) => call.data.notes.filter(({ state }) => state === "kept");

/**
 * @param {Call[]} calls
 * @returns {Estimate}
 */
export function estimate(calls) {
  const notes = calls.flatMap((call) => whole(call).map(({ id }) => call.opened.notes.get(id)?.seconds ?? 0));
  const sound = notes.reduce((sum, seconds) => sum + tar.taken(44 + seconds * SAMPLE_RATE * 2), 0);
  return { calls: calls.length, notes: notes.length, bytes: sound + (calls.length + notes.length) * ROW_BYTES + tar.END.length };
}

/**
 * The archive in pieces: a sound file per note, then rows.json. Names are of mailbox, time and a counter alone.
 * @param {Call[]} calls
 * @param {Fetch} fetch
 * @param {(done: Done) => void} progress
 * @returns {AsyncGenerator<Uint8Array<ArrayBuffer>>}
 * @throws {Unreachable}
 */
export async function* archive(calls, fetch, progress) {
  const rows = [];
  const done = { notes: 0, lost: 0 };
  for (const call of calls) {
    const notes = [];
    for (const note of call.data.notes) {
      if (note.state !== "kept") continue;
      const told = described(call, note);
      try {
        const opened = await fetch(call, note);
        const { data, ending, damaged } = soundOf(opened);
        const name = numbered(fileName(call.data.extension, note.started_at), done.notes + 1, ending);
        yield tar.file(name, data, new Date(note.started_at));
        notes.push({ ...told, seconds: opened.seconds, ended: opened.cutOff ? "cut_off" : opened.meta.ended ?? null, damaged, file: name });
      } catch (error) {
        // An archive in which notes are missing because a line broke would be taken for whole.
        if (error instanceof Unreachable || (error instanceof DOMException && error.name === "AbortError")) throw error;
        done.lost += 1;
        notes.push({ ...told, file: null, problem: error instanceof Error ? error.message : String(error) });
      }
      done.notes += 1;
      progress({ ...done });
    }
    rows.push({ ...about(call), notes });
  }
  yield tar.file("rows.json", utf8(`${JSON.stringify(rows, null, 1)}\n`), new Date());
  yield tar.END;
}

/**
 * A file that players take.
 * @param {OpenedNote} note
 */
function soundOf({ media, meta, gaps }) {
  const type = String(meta.type);
  const damaged = gaps.length > 0;
  if (isG711(type)) return { data: wav(withGaps(decode(media, type), gaps).samples), ending: "wav", damaged };
  return { data: media, ending: /^(audio|video)\/(webm|mp4)\b/.exec(type)?.[2] ?? "bin", damaged };
}

/**
 * @param {string} name ending in .wav
 * @param {number} n
 * @param {string} ending
 */
function numbered(name, n, ending) {
  return `${name.replace(/\.wav$/, "")}-${String(n).padStart(4, "0")}.${ending}`;
}

/**
 * A row as `aftertone notes --json` names its parts.
 * @param {Call} call
 */
function about({ data, opened: { call, problem } }) {
  const last = call?.forwarded?.at(-1);
  return {
    id: data.id, mailbox: data.extension, mailbox_id: data.mailbox_id, mailbox_name: data.mailbox_name,
    from_number: call?.from.number || null, from_name: call?.from.name || null, presentation: call?.from.presentation ?? null,
    dialled: call?.dialled || null, forwarded_from: call?.forwarded_from || null,
    forwarded_by: last ? { name: last.by, mailbox: last.mailbox, extension: last.extension, at: last.at, text: last.text } : null,
    reason: data.reason, group: call?.group === true, rang_at: call?.rang_at || data.received_at, received_at: data.received_at,
    heard: data.heard, deleted_at: data.deleted_at, ...(problem && { problem }),
  };
}

/**
 * @param {Call} call
 * @param {NoteData} note
 */
function described({ opened }, note) {
  return { id: note.id, started_at: note.started_at, speech: note.speech, cut_off: note.cut_off, urgent: opened.notes.get(note.id)?.urgent ?? null };
}
