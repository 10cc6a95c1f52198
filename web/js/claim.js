/**
 * Making my mailboxes private: claim -> open the wrap -> prove it -> a key of our own -> confirm -> older notes get
 * new envelopes. Each step can be the last one of a visit; the next visit goes on where this one ended.
 */

import * as api from "./api.js";
import { StatusBanner } from "./banner.js";
import { Keyring } from "./keyring.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 * @typedef {{id: string, kind: "call" | "note", commit: string, envelope: string}} Rewrap
 */

/** Milliseconds after which somebody wonders; what is done sooner needs no telling. */
const PATIENCE_MS = 1000;

/** Envelopes per request: small enough that progress is seen and little is done twice. */
const BATCH = 50;

/**
 * Claim what is unclaimed and give older notes their new envelopes.
 * @param {Me} me
 * @param {Keyring} keyring unlocked
 * @param {StatusBanner} banner
 * @returns {Promise<Me>} how things stand afterwards; the same when nothing was to be done
 */
export async function settle(me, keyring, banner) {
  await watchKeys(me, banner);
  if (!me.mailboxes.some((box) => isOpen(box) || isOld(box))) return me;
  // All tabs hear of a new mailbox at once; two claims with two keys would stand in each other's way.
  return navigator.locks.request("aftertone-settle", async () => {
    for (const box of (await api.me()).mailboxes.filter(isOpen)) await attempt(box, banner, () => claim(box, keyring));
    const now = await api.me();
    await keyring.renew(now);
    await watchKeys(now, banner);
    for (const box of now.mailboxes) {
      if (isOld(box)) await attempt(box, banner, () => reseal(box, keyring, banner));
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
 * Warn when a mailbox's public key is another than at the last visit: whoever can write the server's database could
 * put his own there, and new notes would be sealed to him.
 * @param {Me} me
 * @param {StatusBanner} banner
 */
async function watchKeys(me, banner) {
  for (const box of me.mailboxes.filter((each) => each.state === "private")) {
    const mine = me.wraps.find((wrap) => wrap.mailbox_id === box.id && wrap.epoch === box.epoch);
    const known = await vault.pin(box.id, box.epoch, box.public) && (!mine || mine.public === box.public);
    banner.set(`key ${box.id}`, known ? null : say("key_changed", { name: box.name || box.extension }));
  }
}

/**
 * @param {Mailbox} box
 * @param {StatusBanner} banner
 * @param {() => Promise<void>} work
 */
async function attempt(box, banner, work) {
  try {
    await work();
    banner.set(`claim ${box.id}`, null);
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 401) throw error;
    const why = error instanceof Error ? error.message : String(error);
    banner.set(`claim ${box.id}`, say("claim_later", { name: box.name || box.extension, why }));
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
      const { items, left } = /** @type {{items: Rewrap[], left: number}} */ (await api.get(`mailboxes/${box.id}/rewraps?limit=${BATCH}`));
      if (!items.length) return;
      all = done + Math.max(left, items.length);
      if (late) tell();
      const made = await Promise.allSettled(items.map(async (item) => ({
        id: item.id, envelope: await keyring.newEnvelope(box, item),
      })));
      const envelopes = made.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
      // One that does not open (forged, damaged) must not keep the others from their new key.
      if (!envelopes.length) throw made.find((one) => one.status === "rejected")?.reason;
      await api.post(`mailboxes/${box.id}/rewraps`, { items: envelopes });
      done += envelopes.length;
    }
  } finally {
    clearTimeout(timer);
    banner.set(line, null);
  }
}
