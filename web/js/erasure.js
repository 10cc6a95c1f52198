/** What "erase this caller" removes, and the record of it that is handed out. Pure but for the page's words. */

import { callsOf, numbersOf } from "./history.js";
import { inFull } from "./when.js";
import { say } from "./words.js";

/**
 * @typedef {import("./shelf.js").Entry} Entry
 * @typedef {{name: string, extension: string, calls: number, notes: number}} Share what goes of one mailbox
 * @typedef {{ids: string[], numbers: string[], shares: Share[], calls: number, notes: number, speaking: number}} Plan
 *   speaking: calls whose note is being recorded just now; they stay
 */

/**
 * @param {readonly Entry[]} entries
 * @param {Entry} entry
 * @returns {Plan}
 */
export function planOf(entries, entry) {
  const all = callsOf(entries, entry);
  const calls = all.filter(({ data }) => data.notes.every((note) => note.state === "kept"));
  /** @type {Map<string, Share>} */
  const shares = new Map();
  for (const { data } of calls) {
    const share = shares.get(data.mailbox_id) ?? { name: data.mailbox_name, extension: data.extension, calls: 0, notes: 0 };
    share.calls += 1;
    share.notes += data.notes.length;
    shares.set(data.mailbox_id, share);
  }
  return {
    ids: calls.map(({ data }) => data.id), numbers: numbersOf(all), shares: [...shares.values()].sort(byExtension), calls: calls.length,
    notes: calls.reduce((sum, { data }) => sum + data.notes.length, 0), speaking: all.length - calls.length,
  };
}

/** @param {Share} share */
export function shareInWords({ name, extension, calls, notes }) {
  return say("erasure_share", { box: name && name !== extension ? `${name} (${extension})` : extension, calls, notes });
}

/**
 * @param {Share} one
 * @param {Share} other
 */
function byExtension(one, other) {
  return one.extension < other.extension ? -1 : 1;
}

/**
 * What is written down of it. The one place where the number still stands is this file, and it goes to nobody but its reader.
 * @param {Plan} plan
 * @param {{removed: number, contact: boolean, by: string, at: Date, server: string}} done
 */
export function recordOf({ numbers, shares, calls, notes, speaking }, { removed, contact, by, at, server }) {
  const lines = [
    say("record_title"), "",
    `${say("record_when")}: ${inFull(at)} (${at.toISOString()})`,
    `${say("record_by")}: ${by}`,
    `${say("record_server")}: ${server}`,
    `${say("record_numbers")}: ${numbers.join(", ")}`, "",
    say("record_calls", { calls, notes, removed }),
    ...shares.map((share) => `- ${shareInWords(share)}`),
    contact ? say("record_contact") : "",
    speaking ? say("erasure_speaking", { n: speaking }) : "",
    "", say("record_limits"), "",
  ];
  return lines.filter((line, i) => line !== "" || lines[i - 1] !== "").join("\r\n");
}
