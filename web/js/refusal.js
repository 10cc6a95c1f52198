/** What a no of the server, or of something sealed, means to its reader and what he can do. */

import { Refused } from "./seal/refused.js";
import { say } from "./words.js";

/** @typedef {import("./words.js").Word} Word */

/** @type {(said: Word, words: string[]) => [string, Word][]} */
const all = (said, words) => words.map((word) => [word, said]);

/**
 * Every word that the server refuses by, and what is said of it.
 * @type {Map<string, Word>}
 */
export const REFUSALS = new Map([
  ...all("wrong_login", ["wrong name or passphrase"]),
  ...all("wrong_passkey", ["wrong passkey"]),
  ...all("passkeys_full", ["too many passkeys"]),
  ...all("passkey_there", ["passkey known"]),
  ...all("passkey_failed", ["passkey"]),
  ...all("passkey_number", ["no passkeys"]),
  ...all("members_busy", ["members changed", "member already", "key changed"]),
  ...all("refused_session", ["not logged in"]),
  ...all("refused_stale", ["csrf", "foreign origin"]),
  ...all("refused_address", ["insecure origin", "unknown host"]),
  ...all("refused_gone", ["not found", "no such row", "no such note", "no such mailbox", "no such user", "no such member"]),
  ...all("refused_secret", ["wrong secret", "wrong key", "recovery code"]),
  ...all("refused_link", ["link", "joined already"]),
  ...all("refused_name", ["name", "user name taken"]),
  ...all("refused_mailbox", ["mailbox name", "too many mailboxes"]),
  ...all("refused_handled", ["handled otherwise", "no such step"]),
  ...all("refused_last", ["last member"]),
  ...all("refused_epochs", ["too many epochs"]),
  ...all("refused_claimed", ["claimed"]),
  ...all("refused_waiting", ["not waiting"]),
  ...all("refused_member", ["not a member"]),
  ...all("refused_recovery", ["recovery key on", "no recovery key"]),
  ...all("refused_book", ["address book"]),
  ...all("refused_again", ["address book changed", "old key", "too slow"]),
  ...all("refused_large", ["too large", "too long", "too much", "too many members"]),
  ...all("refused_speaking", ["being recorded"]),
  ...all("refused_sent", ["taken already", "other bytes", "being kept"]),
  ...all("refused_busy", ["too many uploads", "too many streams", "too many attempts"]),
  ...all("refused_disk", ["disk full"]),
  ...all("refused_store", ["store"]),
  ...all("refused_fault", ["internal error", "error"]),
  ...all("refused_pbx", ["not available", "no answer in time"]),
  ...all("update_needed", ["update needed"]),
  // The page and its server do not agree: nothing that its reader did is wrong.
  ...all("refused_form", [
    "bad request", "bad cursor", "json only", "method not allowed", "range", "passphrase parameters", "keyslots", "login",
    "wraps", "proof", "public key", "not offered", "envelope", "mailbox key", "challenge",
  ]),
  // A note that was sealed here and does not hold together.
  ...all("refused_note", [
    "after final", "commit", "empty", "flags", "head length", "index", "magic", "meta", "no sound", "not sealed to this key",
    "not this note", "not whole", "private key", "record", "record length", "short head", "stream",
  ]),
]);

/**
 * What is said of a refusal; of one that this page does not know, as far as its status goes.
 * @param {string} word
 * @param {number} status
 */
export function refusal(word, status) {
  const known = REFUSALS.get(word);
  return known ? say(known) : status >= 500 ? say("refused_fault") : say("server_said", { status });
}

/** What speaks of another note, or of none: the rest was changed or damaged on its way. */
const FOREIGN = ["not this note", "magic", "not sealed to this key"];

/**
 * Why something sealed was not opened.
 * @param {Refused} refused
 */
export function unopened({ word }) {
  return say("cannot_open", { why: say(FOREIGN.includes(word) ? "why_foreign" : "why_damaged") });
}

/**
 * What is said of anything that failed.
 * @param {unknown} error
 */
export function inWords(error) {
  if (error instanceof Refused) return refusal(error.word, 0);
  return error instanceof Error ? error.message : String(error);
}
