/**
 * A mailbox's next key, made in a member's page for all who read on: when somebody goes, when somebody who is gone may
 * have kept the present one, and whenever a member wishes.
 */

import * as api from "./api.js";
import { Keyring } from "./keyring.js";
import * as vault from "./vault.js";
import { changed, unknown } from "./watch.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 * @typedef {import("./api.js").Member} Member
 * @typedef {import("./api.js").Members} Members
 */

/** Times that somebody may be let in or removed elsewhere while keys are being closed here. */
const TRIES = 5;

/** Refusals that mean just that. */
const MOVED = ["members changed", "wraps"];

/**
 * Do it anew, with what the server says then, when somebody else was faster.
 * @param {Keyring} keyring
 * @param {() => Promise<unknown>} work
 */
export async function again(keyring, work) {
  for (let left = TRIES; ; left -= 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof api.ApiError) || error.status !== 409 || !MOVED.includes(error.word)) throw error;
      if (left <= 1) throw new Error(say("members_busy"), { cause: error });
      await keyring.renew(await api.me());
    }
  }
}

/**
 * The next key for some members.
 * @param {Mailbox} box
 * @param {number} epoch
 * @param {Member[]} people
 * @param {Me} me
 * @param {Keyring} keyring
 * @returns {Promise<import("./api.js").NextKey>}
 */
export async function nextKey(box, epoch, people, me, keyring) {
  const next = await keyring.nextKey(box.id, epoch, people.map((each) => (
    // My own key is the one that I hold, whatever the server says of it.
    { user_id: each.user_id, public: each.user_id === me.user.id ? keyring.mine : each.public ?? "" })));
  await vault.making(box.id, next.public);
  return next;
}

/**
 * Begin the next epoch as its reader wishes, who has seen the members.
 * @param {Mailbox} box
 * @param {Me} me
 * @param {Keyring} keyring
 */
export async function wish(box, me, keyring) {
  await again(keyring, async () => {
    const { epoch, readers } = await present(box);
    const [odd] = await changed(readers, me);
    if (odd) throw new Error(say("person_not_sure", { name: odd.name }));
    await api.post(`mailboxes/${box.id}/key`, await nextKey(box, epoch + 1, readers, me, keyring));
  });
}

/**
 * Begin the next epoch by itself where somebody who is gone may have kept the key, unless another member was faster.
 * Nobody looks at the members then: a key goes only to whom this browser knows, or who can write the server's database
 * would only have to add himself.
 * @param {Mailbox} box
 * @param {Me} me
 * @param {Keyring} keyring
 */
export async function succeed(box, me, keyring) {
  await again(keyring, async () => {
    if (!(await api.me()).mailboxes.some((each) => each.id === box.id && isOutgrown(each))) return;
    const { epoch, readers } = await present(box);
    const [stranger] = await unknown(readers, me);
    if (stranger) throw new Error(say("person_not_known", { name: stranger.name }));
    await api.post(`mailboxes/${box.id}/key`, await nextKey(box, epoch + 1, readers, me, keyring));
  });
}

/** @param {Mailbox} box */
export function isOutgrown(box) {
  return box.my_state === "member" && box.outgrown;
}

/** @param {Mailbox} box */
async function present(box) {
  const told = /** @type {Members} */ (await api.get(`mailboxes/${box.id}/members`));
  return { epoch: told.epoch, readers: told.members.filter((each) => each.state === "member") };
}
