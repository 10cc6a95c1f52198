/** Which rows are shown, and which of them this browser showed last. Pure but for the one line that is kept. */

/**
 * @typedef {import("./api.js").RowData} RowData
 * @typedef {(typeof SHOWS)[number]} Show
 * @typedef {{show: Show, mailbox: string}} Filter mailbox: an id, or empty for all
 */

export const SHOWS = /** @type {const} */ (["all", "unheard", "open", "taken", "noted", "missed", "deleted"]);

/** @type {Readonly<Filter>} */
export const EVERYTHING = Object.freeze({ show: "all", mailbox: "" });

/** The filter, never what was sought, and of no more than ids the server has. */
const KEPT = "aftertone-filter";

/**
 * Whether there is a note in which somebody spoke, or nobody knows.
 * @param {RowData} row
 */
function spoken(row) {
  return row.notes.some((note) => note.state === "kept" && note.speech !== false);
}

/**
 * Whether a row belongs into one of the lists; the server's `show` says the same.
 * @param {RowData} row
 * @param {Show} show
 */
export function belongs(row, show) {
  if (row.deleted_at) return show === "deleted";
  if (show === "all" || show === "deleted") return show === "all";
  const { state, mine } = row.handling;
  if (show === "taken") return state === "taken";
  if (show === "open") return state === "open" || (state === "taken" && mine);
  if (!row.notes.length) return show === "missed";
  if (show === "unheard") return !row.heard && spoken(row);
  const noted = spoken(row) || row.notes.some((note) => note.state === "recording");
  return noted === (show === "noted");
}

/**
 * The filter of this browser's last visit.
 * @param {(mailboxId: string) => boolean} mine
 * @returns {Filter}
 */
export function kept(mine) {
  try {
    const { show, mailbox } = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return { show: SHOWS.find((known) => known === show) ?? "all", mailbox: typeof mailbox === "string" && mine(mailbox) ? mailbox : "" };
  } catch {
    return EVERYTHING; // no storage, or not our words in it
  }
}

/** @param {Filter} filter */
export function keep(filter) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(filter));
  } catch {
    // A browser without storage forgets it: a choice that takes one click.
  }
}

/** Forget it: at log-out nothing of the visit stays. */
export function forget() {
  try {
    localStorage.removeItem(KEPT);
  } catch {
    // Without storage there is nothing to forget.
  }
}
