/** All calls of one caller that the page knows, in whichever of my mailboxes. Pure. */

import { same } from "./book/names.js";

/** @typedef {import("./shelf.js").Entry} Entry */

/**
 * Those of one person's numbers, or of one number however it is written. A number that could be of two countries is
 * taken for neither: nobody's calls are shown, or erased, as another's.
 * @param {readonly Entry[]} entries
 * @param {Entry} entry
 * @returns {Entry[]} in their order, the given one among them; none for a caller without a number
 */
export function callsOf(entries, { who }) {
  if (!who.number) return [];
  if (who.contact) return entries.filter((each) => each.who.contact === who.contact);
  if (!who.digits.raw) return entries.filter((each) => each.who.number === who.number);
  const near = entries.filter((each) => !each.who.contact && same(each.who.digits, who.digits));
  const abroad = new Set(near.filter(({ who: { digits } }) => digits.kind === "abroad").map(({ who: { digits } }) => digits.whole));
  if (abroad.size < 2 && !claimed(entries, near, who)) return near;
  return near.filter((each) => each.who.digits.raw === who.digits.raw || (who.digits.kind === "abroad" && each.who.digits.whole === who.digits.whole));
}

/**
 * Whether what is written without its country could be somebody else's, of another country.
 * @param {readonly Entry[]} entries
 * @param {readonly Entry[]} near
 * @param {import("./who.js").Who} who
 */
function claimed(entries, near, { digits }) {
  if (digits.kind !== "abroad") return false;
  const bare = new Map(near.filter((each) => each.who.digits.kind !== "abroad").map((each) => [each.who.digits.raw, each.who.digits]));
  return [...bare.values()].some((one) => entries.some(({ who: { digits: other } }) => (
    other.kind === "abroad" && other.whole !== digits.whole && same(other, one))));
}

/**
 * The numbers of some calls, each once, as they were written.
 * @param {readonly Entry[]} calls
 */
export function numbersOf(calls) {
  return [...new Set(calls.map(({ who }) => who.number))];
}
