// What is derived from a note key, and the envelope that carries it (FORMAT.md, "Bytes").

import { concat, equal, lp, utf8 } from "./bytes.js";
import { expand } from "./hkdf.js";
import { hpkeOpen, hpkeSeal } from "./hpke.js";
import { kidOf, SUITE } from "./layout.js";
import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./curve.js").KeyPair} KeyPair */
/** @typedef {{ noteId: Bytes, mailboxId: string }} Asked which note was asked for, and of which mailbox */

const BODY = 80;

/**
 * @param {Bytes} noteKey
 * @param {Asked} asked
 * @returns {Promise<Bytes>} the 32 bytes that tie all envelopes of a note to one key
 */
export function commitOf(noteKey, { noteId, mailboxId }) {
  return expand(noteKey, concat(utf8("SN1\x01 commit"), noteId, lp(utf8(mailboxId))));
}

/**
 * @param {Bytes} noteKey
 * @param {number} stream
 * @param {Asked} asked
 * @param {"decrypt" | "encrypt"} [use]
 * @returns {Promise<CryptoKey>} AES-256-GCM, for this use only
 */
export async function streamKey(noteKey, stream, { noteId, mailboxId }, use = "decrypt") {
  const info = concat(utf8("SN1\x01 stream"), [stream], noteId, lp(utf8(mailboxId)));
  return crypto.subtle.importKey("raw", await expand(noteKey, info), "AES-GCM", false, [use]);
}

/**
 * @param {Bytes} noteKey
 * @param {Asked} asked
 * @param {Bytes} publicKey
 * @returns {Promise<Bytes>} the 91 bytes of an envelope
 * @throws {Refused} `public key`
 */
export async function sealEnvelope(noteKey, asked, publicKey) {
  const kid = await kidOf(publicKey);
  const body = await hpkeSeal(publicKey, envelopeInfo(asked, kid), noteKey);
  return concat([SUITE], kid, lp(body));
}

/**
 * The note key, from the first envelope that names one of the keys.
 * @param {import("./layout.js").Envelope[]} envelopes
 * @param {Asked & { commit: Bytes, keys: KeyPair[] }} asked
 * @returns {Promise<Bytes>}
 * @throws {Refused} `update needed` (an envelope of another suite, whoever it is for), `not sealed to this
 *   key`, `envelope`, `commit`
 */
export async function openEnvelopes(envelopes, { noteId, mailboxId, commit, keys }) {
  if (envelopes.some((envelope) => envelope.suite !== SUITE)) throw new Refused("update needed");
  const named = await Promise.all(keys.map(async (key) => ({ key, kid: await kidOf(key.publicKey) })));
  for (const envelope of envelopes) {
    const mine = named.find(({ kid }) => equal(kid, envelope.kid));
    if (mine === undefined) continue;
    if (envelope.body.length !== BODY) throw new Refused("envelope");
    const noteKey = await hpkeOpen(mine.key, envelopeInfo({ noteId, mailboxId }, mine.kid), envelope.body);
    if (!equal(await commitOf(noteKey, { noteId, mailboxId }), commit)) throw new Refused("commit");
    return noteKey;
  }
  throw new Refused("not sealed to this key");
}

/**
 * @param {Asked} asked
 * @param {Bytes} kid
 */
function envelopeInfo({ noteId, mailboxId }, kid) {
  return concat(utf8("SN1\x01 note key"), [SUITE], noteId, lp(utf8(mailboxId)), kid);
}
