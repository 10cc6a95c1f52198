// Keyslots: the user key U closed under a passphrase, a passkey or a recovery code (FORMAT.md, "Keys").

import { concat, equal, lp, utf8 } from "./bytes.js";
import { importKeypair } from "./curve.js";
import { hkdf } from "./hkdf.js";
import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./curve.js").KeyPair} KeyPair */

/** By what a slot is closed; the number stands in its first byte. */
export const SlotKind = Object.freeze({ PASSPHRASE: 1, PASSKEY: 2, RECOVERY: 3 });

const IV = 12;
const SEALED = 48;

/**
 * What the page shows at login in place of the passphrase.
 * @param {Bytes} secret s, from `passphraseSecret`
 */
export function loginAuth(secret) {
  return hkdf(secret, utf8("sn1 login"));
}

/**
 * What the page shows at login for who lost the passphrase. 160 random bits cannot be guessed, so neither a salt
 * nor a slow derivation stands before it.
 * @param {Bytes} secret the 20 bytes of a recovery code
 */
export function recoveryAuth(secret) {
  return hkdf(secret, utf8("sn1 login recovery"));
}

/**
 * Close a user key.
 * @param {{ kind: number, secret: Bytes, userSecret: Bytes, userPublic: Bytes, userId: string, params?: string }} slot
 *   `secret`: s of a passphrase, 32 bytes of a passkey's PRF, or the 20 bytes of a recovery code;
 *   `userSecret`: raw bytes of U
 * @returns {Promise<Bytes>}
 */
export async function makeKeyslot({ kind, secret, userSecret, userPublic, userId, params = "{}" }) {
  const iv = crypto.getRandomValues(new Uint8Array(IV));
  const key = await kek(kind, secret, "encrypt");
  const additionalData = aad(kind, utf8(params), userId, userPublic);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, userSecret);
  return concat([kind], lp(utf8(params)), iv, new Uint8Array(sealed));
}

/**
 * Open a slot for use: the key stays in WebCrypto.
 * @param {{ slot: Bytes, secret: Bytes, userPublic: Bytes, userId: string }} asked `userPublic` is the pinned key
 * @returns {Promise<KeyPair>}
 * @throws {Refused} `wrong secret` for every failure alike
 */
export async function openKeyslot(asked) {
  return importKeypair(await openKeyslotRaw(asked));
}

/**
 * Open a slot to close its key anew (a new slot); the caller overwrites the bytes.
 * @param {{ slot: Bytes, secret: Bytes, userPublic: Bytes, userId: string }} asked
 * @returns {Promise<Bytes>}
 * @throws {Refused} `wrong secret` for every failure alike
 */
export async function openKeyslotRaw({ slot, secret, userPublic, userId }) {
  const { kind, params, body } = splitSlot(slot);
  let userSecret;
  try {
    const additionalData = aad(kind, params, userId, userPublic);
    const iv = body.slice(0, IV);
    const key = await kek(kind, secret, "decrypt");
    userSecret = new Uint8Array(
      await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, body.slice(IV)),
    );
  } catch {
    throw new Refused("wrong secret");
  }
  const { publicKey } = await importKeypair(userSecret.slice());
  if (!equal(publicKey, userPublic)) throw new Refused("wrong secret");
  return userSecret;
}

/**
 * Kind and params of a slot, for who must derive the secret first.
 * @param {Bytes} slot
 * @returns {{ kind: number, params: string }}
 * @throws {Refused} `wrong secret`
 */
export function slotParams(slot) {
  const { kind, params } = splitSlot(slot);
  try {
    return { kind, params: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(params) };
  } catch {
    throw new Refused("wrong secret");
  }
}

/**
 * @param {Bytes} slot
 * @returns {{ kind: number, params: Bytes, body: Bytes }}
 */
function splitSlot(slot) {
  const [kind = 0, high = 0, low = 0] = slot;
  const end = 3 + high * 256 + low;
  if (kind < SlotKind.PASSPHRASE || kind > SlotKind.RECOVERY) throw new Refused("wrong secret");
  if (slot.length !== end + IV + SEALED) throw new Refused("wrong secret");
  return { kind, params: slot.slice(3, end), body: slot.slice(end) };
}

/**
 * @param {number} kind
 * @param {Bytes} secret
 * @param {KeyUsage} use
 */
async function kek(kind, secret, use) {
  const key = await hkdf(secret, concat(utf8("sn1 keyslot"), [kind]));
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [use]);
}

/**
 * @param {number} kind
 * @param {Bytes} params
 * @param {string} userId
 * @param {Bytes} userPublic
 */
function aad(kind, params, userId, userPublic) {
  return concat(utf8("sn1 keyslot"), [kind], lp(params), lp(utf8(userId)), userPublic);
}
