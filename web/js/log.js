/** Who did what with a mailbox and its calls: what its members read of it. */

import * as api from "./api.js";
import { h } from "./dom.js";
import { inFull } from "./when.js";
import { say } from "./words.js";

/**
 * @typedef {{at: string, act: "played" | "opened" | "saved" | "exported" | "forwarded" | "received" | "deleted" | "restored" |
 *   "erased" | "erased_caller" | "expired" | "added" | "approved" | "removed" | "left" | "new_key" | "new_device" | "taken_over" | "done",
 *   count: number, user_id: string | null, user: string | null, about: string | null}} Done
 */

/**
 * @param {string} mailboxId
 * @param {(work: () => Promise<void>) => Promise<void>} attempt does work that may fail, and tells why it did
 * @returns {HTMLElement} with a title; it fills itself
 */
export function logOf(mailboxId, attempt) {
  const lines = h("ul", { class: "log", tabindex: 0, "aria-labelledby": "log-title" });
  const older = h("button", { type: "button", class: "link", hidden: true }, say("older"));
  /** @type {number | null} */
  let next = null;
  const fetch = async () => {
    const page = await api.get(`mailboxes/${mailboxId}/log${next ? `?before=${next}` : ""}`);
    lines.append(.../** @type {Done[]} */ (page.entries).map(line));
    if (!lines.firstChild) lines.append(h("li", {}, say("log_none")));
    next = page.next;
    older.hidden = next === null;
  };
  older.addEventListener("click", () => void attempt(fetch));
  void attempt(fetch);
  return h("section", {}, h("h3", { id: "log-title" }, say("log_title")), lines, older);
}

/** @param {Done} done */
function line({ at, act, count, user_id: id, user, about }) {
  const who = user ?? say(id === null ? "log_nobody" : "log_somebody");
  const many = act === "exported" ? "log_line_notes" : "log_line_n";
  const told = say(count === 1 ? "log_line" : many, { who, act: say(`log_${act}`, { about: about ?? say("log_somebody") }), n: count });
  const time = new Date(at);
  return h("li", {}, h("bdi", {}, told), h("time", { datetime: at }, inFull(time)));
}
