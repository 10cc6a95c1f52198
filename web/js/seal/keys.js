// The keys around a note: mailbox wraps, claims, envelopes of a new epoch (FORMAT.md, "Keys"). Key pairs,
// keyslots, passphrases and recovery codes have files of their own; all can be had from here.

import { concat, equal, lp, u32, utf8 } from "./bytes.js";
import { importKeypair } from "./curve.js";
import { openEnvelopes, sealEnvelope } from "./derive.js";
import { hkdf } from "./hkdf.js";
import { hpkeOpen, hpkeSeal } from "./hpke.js";
import { splitEnvelopes, SUITE } from "./layout.js";
import { Refused } from "./refused.js";

export { importKeypair, newKeypair } from "./curve.js";
export { loginAuth, makeKeyslot, openKeyslot, openKeyslotRaw, recoveryAuth, SlotKind, slotParams } from "./keyslot.js";
export { passphraseParams, passphraseSecret } from "./passphrase.js";
export { newRecoveryCode, parseRecoveryCode } from "./recovery.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./curve.js").KeyPair} KeyPair */
/** @typedef {{ mailboxId: string, epoch: number, mailboxPublic: Bytes, userId: string }} Wrapped */

/**
 * Close one epoch's mailbox key for one member.
 * @param {Wrapped & { mailboxSecret: Bytes, userPublic: Bytes }} wrap `mailboxSecret`: raw bytes of M
 * @returns {Promise<Bytes>}
 * @throws {Refused} `public key`
 */
export function mailboxWrap({ mailboxSecret, userPublic, ...wrapped }) {
  return hpkeSeal(userPublic, wrapInfo(wrapped, userPublic), mailboxSecret);
}

/**
 * Open a wrap for use: the key stays in WebCrypto.
 * @param {Wrapped & { wrap: Bytes, user: KeyPair }} asked
 * @returns {Promise<KeyPair>}
 * @throws {Refused} `mailbox key` for every failure alike
 */
export async function openMailboxWrap(asked) {
  return importKeypair(await openMailboxWrapRaw(asked));
}

/**
 * Open a wrap to hand its key on (claim, approval of a member); the caller overwrites the bytes.
 * @param {Wrapped & { wrap: Bytes, user: KeyPair }} asked
 * @returns {Promise<Bytes>}
 * @throws {Refused} `mailbox key` for every failure alike
 */
export async function openMailboxWrapRaw({ wrap, user, ...wrapped }) {
  let secret;
  let fits = false;
  try {
    secret = await hpkeOpen(user, wrapInfo(wrapped, user.publicKey), wrap);
    fits = equal((await importKeypair(secret.slice())).publicKey, wrapped.mailboxPublic);
  } catch {
    throw new Refused("mailbox key");
  }
  if (!fits) throw new Refused("mailbox key");
  return secret;
}

/**
 * What shows the server that this member has opened M[0] and it may be forgotten.
 * @param {Bytes} mailboxSecret
 * @param {string} userId
 */
export function claimProof(mailboxSecret, userId) {
  return hkdf(mailboxSecret, concat(utf8("sn1 claim"), lp(utf8(userId))));
}

/**
 * The envelope of a new epoch for a note whose envelope opens with `oldKey`; opened again before it is
 * returned, because the old one will be dropped for it.
 * @param {{ envelope: Bytes, noteId: Bytes, mailboxId: string, commit: Bytes, oldKey: KeyPair, newKey: KeyPair }} asked
 * @returns {Promise<Bytes>}
 * @throws {Refused} with the words of envelopes (FORMAT.md)
 */
export async function rewrapEnvelope({ envelope, noteId, mailboxId, commit, oldKey, newKey }) {
  const asked = { noteId, mailboxId, commit };
  const noteKey = await openEnvelopes(splitEnvelopes(envelope), { ...asked, keys: [oldKey] });
  const renewed = await sealEnvelope(noteKey, { noteId, mailboxId }, newKey.publicKey);
  await openEnvelopes(splitEnvelopes(renewed), { ...asked, keys: [newKey] });
  return renewed;
}

/**
 * @param {Wrapped} wrapped
 * @param {Bytes} userPublic
 */
function wrapInfo({ mailboxId, epoch, mailboxPublic, userId }, userPublic) {
  return concat(
    utf8("sn1 mailbox key"),
    [SUITE],
    lp(utf8(mailboxId)),
    u32(epoch),
    mailboxPublic,
    lp(utf8(userId)),
    userPublic,
  );
}
