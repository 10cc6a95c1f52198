/** My user key: making it, and getting it back out of a keyslot. */

import { fromBase64url, toBase64url } from "./seal/bytes.js";
import { publicOf } from "./seal/curve.js";
import {
  importKeypair, loginAuth, makeKeyslot, newKeypair, newRecoveryCode, openKeyslot, openKeyslotRaw, parseRecoveryCode,
  passphraseParams, passphraseSecret, recoveryAuth, SlotKind, slotParams,
} from "./seal/keys.js";
import { Refused } from "./seal/refused.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./seal/bytes.js").Bytes} Bytes
 */

/**
 * s of a passphrase.
 * @param {string} passphrase
 * @param {string} params
 * @returns {Promise<Bytes>}
 * @throws {Error} for people, when the server's parameters are too weak or unknown: nothing is derived then
 */
export async function secretOf(passphrase, params) {
  try {
    return await passphraseSecret(passphrase, params);
  } catch (error) {
    throw error instanceof Refused ? new Error(say("weak_kdf")) : error;
  }
}

/**
 * The bytes of a recovery code as somebody typed it.
 * @param {string} code
 * @returns {Bytes}
 * @throws {Error} for people, when it cannot be one
 */
export function codeOf(code) {
  try {
    return parseRecoveryCode(code);
  } catch (error) {
    throw error instanceof Refused ? new Error(say("no_code")) : error;
  }
}

/**
 * @typedef {{passphrase: string, known?: {params: string, secret: Bytes}} | {code: string}} What what I have; `known`:
 *   s was derived already with these params
 * @typedef {{prf: Bytes}} Touched the secret of one of my passkeys
 */

/**
 * Open my user key with what I have.
 * @param {Me} me
 * @param {What | Touched} what
 * @returns {Promise<CryptoKey>} not extractable
 * @throws {Error} for people; the same one for every secret that does not fit
 */
export async function unlockWith(me, what) {
  return throughSlot(me, what, async (asked) => (await openKeyslot(asked)).privateKey);
}

/**
 * Close my user key anew, with another passphrase.
 * @param {Me} me
 * @param {What} what what opens it now
 * @param {string} passphrase
 * @returns {Promise<{auth: string, slot: string, salt: string, login: string}>} what the server gets
 * @throws {Error} for people, when `what` does not open it
 */
export async function closedAnew(me, what, passphrase) {
  const { userSecret, auth } = await openedRaw(me, what);
  const params = passphraseParams();
  const secret = await secretOf(passphrase, params);
  const slot = await makeKeyslot({
    kind: SlotKind.PASSPHRASE, secret, params, userSecret, userPublic: fromBase64url(me.user.public), userId: me.user.id,
  });
  const login = toBase64url(await loginAuth(secret));
  userSecret.fill(0);
  secret.fill(0);
  return { auth: toBase64url(auth), slot: toBase64url(slot), salt: JSON.parse(params).salt, login };
}

/**
 * The bytes of my user key, to be closed in another slot and then overwritten.
 * @param {Me} me
 * @param {What} what what opens it now
 * @returns {Promise<{userSecret: Bytes, auth: Bytes}>} auth: what shows the server that I have `what`
 * @throws {Error} for people, when `what` does not open it
 */
export async function openedRaw(me, what) {
  return throughSlot(me, what, async (asked) => (
    { userSecret: await openKeyslotRaw(asked), auth: await shownBy(what)(asked.secret) }));
}

/**
 * Open my user key, with what shows the server that I can.
 * @param {Me} me
 * @param {What} what
 * @returns {Promise<{key: CryptoKey, auth: string}>} key: not extractable
 * @throws {Error} for people, when `what` does not open it
 */
export async function provenWith(me, what) {
  return throughSlot(me, what, async (asked) => (
    { key: (await openKeyslot(asked)).privateKey, auth: toBase64url(await shownBy(what)(asked.secret)) }));
}

/**
 * The user key that this browser keeps.
 * @param {Me} me
 * @returns {Promise<CryptoKey | null>} null also for an older one: its owner has made new keys elsewhere
 */
export async function keptKey(me) {
  for (const name of [me.user.id, nextOf(me.user.id)]) {
    const key = await vault.load(name);
    if (key && toBase64url(await publicOf(key)) === me.user.public) return key;
  }
  return null;
}

/**
 * Under which name this browser keeps a new key of mine while nobody knows yet whether the server has taken it.
 * @param {string} userId
 */
export function nextOf(userId) {
  return `${userId} next`;
}

/** @param {What} what */
function shownBy(what) {
  return "code" in what ? recoveryAuth : loginAuth;
}

/**
 * @template T
 * @param {Me} me
 * @param {What | Touched} what
 * @param {(asked: {slot: Bytes, secret: Bytes, userPublic: Bytes, userId: string}) => Promise<T>} open
 * @returns {Promise<T>}
 */
async function throughSlot(me, what, open) {
  const userPublic = fromBase64url(me.user.public);
  const kind = "prf" in what ? SlotKind.PASSKEY : "code" in what ? SlotKind.RECOVERY : SlotKind.PASSPHRASE;
  for (const slot of me.slots.map(fromBase64url)) {
    const told = slotParams(slot);
    if (told.kind !== kind) continue;
    try {
      const secret = "prf" in what ? what.prf : "code" in what ? parseRecoveryCode(what.code)
        : told.params === what.known?.params ? what.known.secret : await secretOf(what.passphrase, told.params);
      return await open({ slot, secret, userPublic, userId: me.user.id });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  throw new Error(say("wrong_secret"));
}

/** A key that is being made: shown to its owner first, sent when he has kept the code. */
export class Enrolment {
  /**
   * @param {CryptoKey} key
   * @param {string} code
   * @param {{public: string, slots: string[], salt: string, params: string, login: string, recovery: string}} answer
   *   what the server gets
   */
  constructor(key, code, answer) {
    this.key = key;
    this.code = code;
    this.answer = answer;
    this.groups = code.split("-");
  }

  /**
   * @param {string} userId
   * @param {string} passphrase
   */
  static async make(userId, passphrase) {
    const params = passphraseParams();
    const byPassphrase = await secretOf(passphrase, params);
    const { code, secret: byCode } = newRecoveryCode();
    const { secret: userSecret, publicKey: userPublic } = await newKeypair();
    const of = { userSecret, userPublic, userId };
    const slots = [
      await makeKeyslot({ ...of, kind: SlotKind.PASSPHRASE, secret: byPassphrase, params }),
      await makeKeyslot({ ...of, kind: SlotKind.RECOVERY, secret: byCode }),
    ];
    const login = toBase64url(await loginAuth(byPassphrase));
    const recovery = toBase64url(await recoveryAuth(byCode));
    byPassphrase.fill(0);
    byCode.fill(0);
    const { privateKey } = await importKeypair(userSecret);
    return new Enrolment(privateKey, code, {
      public: toBase64url(userPublic), slots: slots.map(toBase64url), salt: JSON.parse(params).salt, params, login, recovery,
    });
  }

  /**
   * Whether somebody typed group n (from 0); read as a whole code is read.
   * @param {number} n
   * @param {string} typed
   */
  isGroup(n, typed) {
    const read = typed.toUpperCase().replace(/[-\s]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
    return read === this.groups[n];
  }
}
