/** Coming in by passkey: the login and, at the same touch, my key; and my key alone, where there is a session. */

import * as api from "./api.js";
import { unlockWith } from "./identity.js";
import { known, remember } from "./known.js";
import { ask, NotChosen } from "./passkey.js";
import { fromBase64url } from "./seal/bytes.js";
import { SlotKind, slotParams } from "./seal/keys.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./seal/bytes.js").Bytes} Bytes
 */

/**
 * Whether I have a passkey; the server keeps a slot for each.
 * @param {Me} me
 */
export function hasPasskey(me) {
  return me.slots.some((slot) => slotParams(fromBase64url(slot)).kind === SlotKind.PASSKEY);
}

/**
 * Log in, and keep my key in this browser. Where the passkey tells no secret, the inbox asks for passphrase or code.
 * @param {() => void} onceMore called before a second touch, which a browser needs that does not know me yet
 * @throws {Error} for people
 */
export async function logInByPasskey(onceMore) {
  const { ceremony, challenge } = await api.post("login/passkey/start");
  const users = known();
  const given = await ask({ challenge, users });
  await api.post("login/passkey", { ceremony, ...given.answer });
  const me = await api.me();
  const id = me.user.id;
  const prf = users.includes(id) ? given.secrets.get(id) : await asMine(me, given.credentialId, onceMore);
  remember(id);
  if (prf) await vault.save(id, await unlockWith(me, { prf }));
}

/**
 * My key, where there is a session.
 * @param {Me} me
 * @returns {Promise<CryptoKey>} not extractable
 * @throws {Error} for people
 */
export async function unlockByPasskey(me) {
  const { passkeys } = await api.get("me/passkeys");
  const allow = passkeys.map((/** @type {import("./api.js").Passkey} */ each) => each.credential_id);
  const prf = (await ask({ allow, users: [me.user.id] })).secrets.get(me.user.id);
  if (!prf) throw new Error(say("passkey_no_secret"));
  const key = await unlockWith(me, { prf });
  remember(me.user.id);
  return key;
}

/**
 * @param {Me} me
 * @param {string} credentialId
 * @param {() => void} onceMore
 * @returns {Promise<Bytes | undefined>}
 */
async function asMine(me, credentialId, onceMore) {
  onceMore();
  try {
    return (await ask({ allow: [credentialId], users: [me.user.id] })).secrets.get(me.user.id);
  } catch (error) {
    // Somebody is logged in by now, and the inbox offers every way to unlock.
    if (error instanceof NotChosen) return undefined;
    throw error;
  }
}
