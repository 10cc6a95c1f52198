/** The mailboxes of the house: to whom something can be sealed, and whether their keys are those of the last time. */

import * as api from "./api.js";
import * as vault from "./vault.js";

/**
 * @typedef {{id: string, extension: string, name: string, private: boolean, epoch: number, public: string}} Listed
 * @typedef {"new" | "known" | "other" | "open"} Trust whether the key was seen before; open: not private yet, the
 *   server can open what is sealed to it
 */

/** Answers of 500 that are asked for: what a house may have. */
const MOST_PAGES = 20;

const WORDS = /** @type {const} */ ({ first: "new", known: "known", changed: "other" });

/**
 * All of them, by extension.
 * @returns {Promise<Listed[]>}
 */
export async function directory() {
  /** @type {Listed[]} */
  const all = [];
  let after = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { mailboxes, next } = await api.get(`directory?after=${encodeURIComponent(after)}`);
    all.push(...mailboxes);
    if (next === null) break;
    after = next;
  }
  return all;
}

/**
 * How one stands now.
 * @param {Listed} box
 * @returns {Promise<Listed | null>}
 */
export async function again(box) {
  return (await directory()).find(({ id }) => id === box.id) ?? null;
}

/**
 * @param {Listed} box
 * @returns {Promise<Trust>}
 */
export async function trust(box) {
  if (!box.private) return "open";
  return WORDS[await vault.judge(box.id, box.epoch, box.public)];
}

/** @param {Listed} box */
export function nameOf({ name, extension }) {
  return name && name !== extension ? `${name} (${extension})` : extension;
}
