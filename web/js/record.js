/** What stands in opened records. Whoever knows a mailbox's public key may have written them: nothing is taken on trust. */

/**
 * @typedef {{number: string, name: string, presentation: Presentation}} From
 * @typedef {"allowed" | "restricted" | "unavailable" | "untold"} Presentation
 * @typedef {{by: string, mailbox: string, extension: string, at: string, text: string}} Forwarding by whom, from which
 *   mailbox, when (RFC 3339), and with what words of his own
 * @typedef {{from: From, dialled: string, forwarded_from: string, group: boolean, rang_at: string, rang_s: number,
 *   forwarded?: Forwarding[]}} CallRecord forwarded: the last one last; rows that were kept by an older page have none
 * @typedef {{type: string, seconds: number, peaks: Uint8Array, cutOff: boolean, urgent: boolean}} OpenedNote
 * @typedef {import("./api.js").NoteData} NoteData
 */

/** @type {readonly Presentation[]} untold: the PBX kept the call while the bridge was away, and not its caller */
const PRESENTATIONS = ["allowed", "restricted", "unavailable", "untold"];

/** Longest note a length is shown for: more than a day is a lie. */
const MOST_SECONDS = 86_400;

/** A note tells how it was forwarded the last times. */
const MOST_FORWARDS = 4;

/** Bytes in which half a second of G.711 lies in a blob: 4,000 samples, 14 of header, 16 of tag. */
const SEGMENT_BYTES = 4030;

/**
 * @param {Record<string, unknown>} meta stream 2 of a call record
 * @returns {CallRecord}
 */
export function readCall(meta) {
  const from = object(meta.from);
  const presentation = PRESENTATIONS.find((known) => known === from.presentation) ?? "unavailable";
  return {
    from: { number: text(from.number), name: text(from.name), presentation },
    dialled: text(meta.dialled), forwarded_from: text(meta.forwarded_from), group: meta.group === true,
    rang_at: text(meta.rang_at), rang_s: seconds(meta.rang_s), forwarded: forwardings(meta.forwarded),
  };
}

/**
 * @param {unknown} value
 * @returns {Forwarding[]}
 */
function forwardings(value) {
  return (Array.isArray(value) ? value : []).slice(-MOST_FORWARDS).map(object).map(({ by, mailbox, extension, at, text: words }) => (
    { by: text(by), mailbox: text(mailbox), extension: text(extension), at: text(at), text: text(words) }));
}

/**
 * @param {{meta: Record<string, unknown>, peaks: Uint8Array, seconds: number, cutOff: boolean}} opened from the row alone
 * @param {NoteData} note
 * @returns {OpenedNote}
 */
export function readNote(opened, note) {
  const told = seconds(opened.seconds);
  // A note that was cut off has no end that tells; until its sound is opened, its size must do.
  const guessed = Math.floor(note.size / SEGMENT_BYTES) / 2;
  return {
    type: text(opened.meta.type), seconds: told || guessed, peaks: opened.peaks, cutOff: opened.cutOff,
    urgent: opened.meta.urgent === true,
  };
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : "";
}

/** @param {unknown} value */
function seconds(value) {
  return typeof value === "number" && value > 0 && value <= MOST_SECONDS ? value : 0;
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function object(value) {
  return typeof value === "object" && value !== null ? /** @type {Record<string, unknown>} */ (value) : {};
}
