/**
 * The end of a visit: nothing of it stays in this browser. A log-out of which the server could not be told, for want of a
 * connection, is told as soon as it can be: till then whoever has this browser has the session.
 */

import * as api from "./api.js";
import * as keptBook from "./book/kept.js";
import * as cache from "./cache.js";
import * as filters from "./filters.js";
import * as marks from "./marks.js";
import * as shell from "./shell.js";
import * as vault from "./vault.js";

/** Holds the CSRF value of the session that is to end: it says which one, and opens nothing without its cookie. */
const OWED = "aftertone-log-out";

/** Whichever session there is: the page was left before it knew its own. */
const ANY = "any";

/** Longest that somebody who logs out looks at a button. */
const PATIENCE_MS = 10_000;

/**
 * Forget the visit. The pins stay, unless `wipeVault` takes them too.
 * @param {() => Promise<void>} [wipeVault]
 */
export async function forgetVisit(wipeVault = vault.wipeKey) {
  // As much as can be forgotten is: a browser that refuses one must not keep the other.
  await Promise.allSettled([wipeVault(), cache.wipe(), marks.wipe(), keptBook.wipe(), shell.wipe()]);
  filters.forget();
}

/**
 * @param {string | null} csrf of the session, if it is known
 * @returns {Promise<boolean>} whether the server knows
 */
export async function logOut(csrf) {
  storage((store) => store.setItem(OWED, csrf ?? ANY));
  await forgetVisit(vault.wipe);
  return settle();
}

/** Whether a log-out waits to be told. */
export function owes() {
  return storage((store) => store.getItem(OWED)) !== null;
}

/**
 * Tell the server of the log-out that it has not heard of, if there is one.
 * @returns {Promise<boolean>} false: it still has not
 */
export async function settle() {
  const owed = storage((store) => store.getItem(OWED));
  try {
    if (owed) await within(PATIENCE_MS, end(owed));
  } catch (error) {
    if (!(error instanceof api.ApiError) || error.status !== 401) return false;
  }
  storage((store) => store.removeItem(OWED));
  return true;
}

/** @param {string} owed */
async function end(owed) {
  const { csrf } = await api.me();
  // Somebody may have logged in since.
  if (owed === ANY || owed === csrf) await api.post("logout");
}

/**
 * @template T
 * @param {number} ms
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
export function within(ms, work) {
  return Promise.race([work, new Promise((_, refuse) => setTimeout(() => refuse(new Error("too late")), ms))]);
}

/**
 * @template T
 * @param {(store: Storage) => T} work
 * @returns {T | null} null in a browser without storage
 */
function storage(work) {
  try {
    return work(localStorage);
  } catch {
    return null;
  }
}
