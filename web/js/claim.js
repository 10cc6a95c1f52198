/**
 * Making my mailboxes private: claim -> open the wrap -> prove it -> a key of our own -> confirm -> older notes get
 * new envelopes. Each step can be the last one of a visit; the next visit goes on where this one ended.
 */

import * as api from "./api.js";
import { StatusBanner } from "./banner.js";
import { Keyring } from "./keyring.js";
import { isOutgrown, succeed } from "./nextkey.js";
import { inWords } from "./refusal.js";
import { watchKeys } from "./watch.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 * @typedef {{id: string, kind: "call" | "note", commit: string, envelope: string}} Rewrap envelope: all it has
 */

/** Milliseconds after which somebody wonders; what is done sooner needs no telling. */
const PATIENCE_MS = 1000;

/** Envelopes per request: small enough that progress is seen and little is done twice. */
const BATCH = 50;

/**
 * Claim what is unclaimed, give a mailbox a new key where somebody who is gone may have kept it, and older notes their new
 * envelopes.
 * @param {Me} me
 * @param {Keyring} keyring unlocked
 * @param {StatusBanner} banner
 * @returns {Promise<Me>} how things stand afterwards; the same when nothing was to be done
 */
export async function settle(me, keyring, banner) {
  await watchKeys(me, banner);
  for (const box of me.mailboxes) if (!isOutgrown(box)) banner.set(`renew ${box.id}`, null);
  if (!me.mailboxes.some((box) => isOpen(box) || isOutgrown(box) || isOld(box))) return me;
  // All tabs hear of a new mailbox at once; two claims with two keys would stand in each other's way.
  return navigator.locks.request("aftertone-settle", async () => {
    for (const box of (await api.me()).mailboxes) {
      if (isOpen(box)) await attempt(box, banner, "claim", () => claim(box, keyring));
      else if (isOutgrown(box)) await attempt(box, banner, "renew", () => succeed(box, me, keyring));
    }
    const now = await api.me();
    await keyring.renew(now);
    await watchKeys(now, banner);
    for (const box of now.mailboxes) {
      if (isOld(box)) await attempt(box, banner, "claim", () => reseal(box, keyring, banner));
      else if (!isOpen(box)) banner.set(`claim ${box.id}`, null);
    }
    return now;
  });
}

/** @param {Mailbox} box */
function isOpen(box) {
  return box.state !== "private";
}

/** @param {Mailbox} box */
function isOld(box) {
  return box.state === "private" && box.my_state === "member" && box.older;
}

/**
 * @param {Mailbox} box
 * @param {StatusBanner} banner
 * @param {"claim" | "renew"} about
 * @param {() => Promise<void>} work
 */
async function attempt(box, banner, about, work) {
  try {
    await work();
    banner.set(`${about} ${box.id}`, null);
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 401) throw error;
    const why = inWords(error);
    banner.set(`${about} ${box.id}`, say(`${about}_later`, { name: box.name || box.extension, why }));
  }
}

/**
 * @param {Mailbox} box
 * @param {Keyring} keyring
 */
async function claim(box, keyring) {
  const offer = await api.post(`mailboxes/${box.id}/claim`);
  await api.post(`mailboxes/${box.id}/claim/confirm`, await keyring.takeOver(box.id, offer));
}

/**
 * @param {Mailbox} box
 * @param {Keyring} keyring
 * @param {StatusBanner} banner
 */
async function reseal(box, keyring, banner) {
  const line = `reseal ${box.id}`;
  /** @type {unknown[]} why some could not be done */
  const failed = [];
  let done = 0;
  let all = 0;
  let late = false;
  const tell = () => banner.set(line, say("resealing", { done, all }), { warn: false, done, all });
  const timer = setTimeout(() => {
    late = true;
    tell();
  }, PATIENCE_MS);
  try {
    for (;;) {
      const { items, left, epoch } = await pending(box, failed.length);
      if (epoch !== box.epoch) return; // another key has come: who tells of it begins anew
      if (!items.length) break;
      all = done + Math.max(left, items.length);
      if (late) tell();
      const made = await Promise.allSettled(items.map(async (item) => ({
        id: item.id, envelope: await keyring.newEnvelope(box, item),
      })));
      const envelopes = made.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
      // One that does not open (forged, damaged) must not keep the others from their new key.
      failed.push(...made.flatMap((one) => one.status === "rejected" ? [one.reason] : []));
      if (envelopes.length && !await put(box, envelopes)) return;
      done += envelopes.length;
    }
    if (failed.length) throw failed[0];
  } finally {
    clearTimeout(timer);
    banner.set(line, null);
  }
}

/**
 * @param {Mailbox} box
 * @param {number} skip those that do not open
 * @returns {Promise<{items: Rewrap[], left: number, epoch: number}>}
 */
function pending(box, skip) {
  return api.get(`mailboxes/${box.id}/rewraps?limit=${BATCH}&skip=${skip}`);
}

/**
 * @param {Mailbox} box
 * @param {{id: string, envelope: string}[]} items
 * @returns {Promise<boolean>} false when another key has come meanwhile
 */
async function put(box, items) {
  try {
    await api.post(`mailboxes/${box.id}/rewraps`, { items });
    return true;
  } catch (error) {
    if ((await pending(box, 0)).epoch === box.epoch) throw error;
    return false;
  }
}
