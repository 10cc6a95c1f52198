/** Which rows fit what is looked for, and how many there are of each kind. */

import { belongs } from "./filters.js";
import { matches } from "./search.js";

/** @typedef {import("./shelf.js").Entry} Entry */

/**
 * Rows that fit, and those that still stand though they do not: a row goes from under a hand only when it is deleted or
 * brought back. In one pass: of very many rows, on every key.
 * @param {Iterable<Entry>} entries
 * @param {import("./filters.js").Filter} filter
 * @param {import("./search.js").Query} query
 * @param {(entry: Entry) => boolean} stays whether a row that does not fit must stand all the same
 * @returns {{found: Entry[], counts: Record<import("./filters.js").Show, number>, unheard: number, lingers: boolean}}
 *   counts: under each filter with the same words and mailbox; unheard: of all; lingers: whether one stands so
 */
export function look(entries, filter, query, stays) {
  const found = [];
  const counts = { all: 0, unheard: 0, open: 0, taken: 0, noted: 0, missed: 0, deleted: 0 };
  let unheard = 0;
  let lingers = false;
  for (const entry of entries) {
    const { data } = entry;
    const waits = belongs(data, "unheard");
    if (waits) unheard += 1;
    if ((filter.mailbox && filter.mailbox !== data.mailbox_id) || !matches(entry.hay, query)) continue;
    if (data.deleted_at) {
      counts.deleted += 1;
    } else {
      counts.all += 1;
      if (waits) counts.unheard += 1;
      if (belongs(data, "open")) counts.open += 1;
      if (belongs(data, "taken")) counts.taken += 1;
      counts[belongs(data, "noted") ? "noted" : "missed"] += 1;
    }
    if (belongs(data, filter.show)) {
      found.push(entry);
    } else if (!data.deleted_at === (filter.show !== "deleted") && stays(entry)) {
      found.push(entry);
      lingers = true;
    }
  }
  return { found, counts, unheard, lingers };
}
