/** Why a call was missed: in a few words for its row, and in a sentence beside it. */

import { say } from "./words.js";

/** @typedef {import("./words.js").Word} Word */

const SHORT = /** @type {Record<string, Word>} */ ({
  no_answer: "why_no_answer", busy: "why_busy", declined: "why_declined", dnd: "why_dnd",
  unreachable: "why_unreachable", cancelled: "why_cancelled",
});
const LONG = /** @type {Record<string, Word>} */ ({
  no_answer: "because_no_answer", busy: "because_busy", declined: "because_declined", dnd: "because_dnd",
  unreachable: "because_unreachable", cancelled: "because_cancelled",
});

/**
 * @param {string} reason
 * @param {number | undefined} rang seconds
 */
export function why(reason, rang) {
  if (reason === "no_answer" && !rang) return say("why_no_answer_unknown");
  return say(SHORT[reason] ?? "why_failed", { s: Math.round(rang ?? 0) });
}

/** @param {string} reason */
export function because(reason) {
  return say(LONG[reason] ?? "because_failed");
}
