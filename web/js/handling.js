/** How far a call is for all who read its mailbox: what one may do about it, and how that reads. */

import { since } from "./when.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Handling} Handling
 * @typedef {import("./words.js").Word} Word
 * @typedef {{word: Word, state: Handling["state"], key: string}} Choice
 */

/**
 * What may be done with a call, as the server sees it. What a colleague has taken is taken over before anything else.
 * @param {Handling} handling
 * @param {boolean} shared whether anybody else reads the mailbox: to oneself one need not say it
 * @returns {{take: Choice | null, done: Choice | null}} never nothing at all
 */
export function choices({ state, mine }, shared) {
  if (state === "done") return { take: null, done: { word: "reopen", state: "open", key: "o" } };
  if (state === "taken" && !mine) return { take: { word: "take_over", state: "taken", key: "t" }, done: null };
  const done = /** @type {Choice} */ ({ word: "done", state: "done", key: "d" });
  if (state === "taken") return { take: { word: "give_back", state: "open", key: "g" }, done };
  return { take: shared ? { word: "take", state: "taken", key: "t" } : null, done };
}

/**
 * Who has it and since when; empty while it is open.
 * @param {Handling} handling
 * @returns {{before: string, who: string, after: string}} around the name, whose letters may run the other way
 */
export function inWords({ state, user, mine, at }) {
  if (state === "open") return { before: "", who: "", after: "" };
  const when = at ? since(new Date(at)) : "";
  if (mine) return { before: say(`${state}_mine`, { when }), who: "", after: "" };
  const [before = "", after = ""] = say(`${state}_by`, { when }).split("{who}");
  return { before, who: user ?? say("log_somebody"), after };
}

/**
 * Why what I wished did not happen.
 * @param {Handling} handling as it is instead
 */
export function insteadOf({ state, user }) {
  return state === "open" ? say("lost_open") : say(`lost_${state}`, { who: user ?? say("log_somebody") });
}
