// HPKE single shot in base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, empty AAD.
// WebCrypto has the primitives, not HPKE itself; names below are those of the RFC.

import { concat, utf8 } from "./bytes.js";
import { diffieHellman, newKeypair, importKeypair, KEY_BYTES } from "./curve.js";
import { EMPTY_SALT, expand, extract } from "./hkdf.js";
import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./curve.js").KeyPair} KeyPair */
/** @typedef {{ id: number, keyBytes: number }} Aead */

/** @type {Aead} The only one in use; the schedule takes it as an argument for the RFC's own vectors. */
export const AES_256_GCM = { id: 0x0002, keyBytes: 32 };
const NONCE_BYTES = 12;
const MODE_BASE = 0;
const VERSION = utf8("HPKE-v1");
const KEM_SUITE = concat(utf8("KEM"), [0x00, 0x20]);
const EMPTY = new Uint8Array(0);

/**
 * @param {Bytes} publicKey of the recipient
 * @param {Bytes} info what the message is bound to
 * @param {Bytes} plaintext
 * @returns {Promise<Bytes>} enc (32) || ciphertext with its tag
 * @throws {Refused} `public key`
 */
export async function hpkeSeal(publicKey, info, plaintext) {
  const fresh = await newKeypair();
  const enc = fresh.publicKey;
  const { privateKey } = await importKeypair(fresh.secret);
  const shared = await sharedSecret(await diffieHellman(privateKey, publicKey), enc, publicKey);
  const { key, nonce } = await keySchedule(shared, info, AES_256_GCM);
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return concat(enc, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, aes, plaintext)));
}

/**
 * @param {KeyPair} recipient
 * @param {Bytes} info
 * @param {Bytes} body enc || ciphertext
 * @returns {Promise<Bytes>}
 * @throws {Refused} `envelope` for every failure alike
 */
export async function hpkeOpen(recipient, info, body) {
  try {
    const enc = body.slice(0, KEY_BYTES);
    const shared = await sharedSecret(await diffieHellman(recipient.privateKey, enc), enc, recipient.publicKey);
    const { key, nonce } = await keySchedule(shared, info, AES_256_GCM);
    const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    const sealed = body.subarray(KEY_BYTES);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, aes, sealed));
  } catch {
    throw new Refused("envelope");
  }
}

/**
 * ExtractAndExpand of DHKEM (section 4.1).
 * @param {Bytes} dh
 * @param {Bytes} enc
 * @param {Bytes} publicKey
 */
export async function sharedSecret(dh, enc, publicKey) {
  const prk = await labeledExtract(KEM_SUITE, EMPTY_SALT, "eae_prk", dh);
  return labeledExpand(KEM_SUITE, prk, "shared_secret", concat(enc, publicKey), 32);
}

/**
 * KeySchedule in base mode (section 5.1): key and nonce of the first and only message.
 * @param {Bytes} shared
 * @param {Bytes} info
 * @param {Aead} aead
 */
export async function keySchedule(shared, info, aead) {
  const suite = concat(utf8("HPKE"), [0x00, 0x20, 0x00, 0x01, aead.id >> 8, aead.id & 0xff]);
  const pskIdHash = await labeledExtract(suite, EMPTY_SALT, "psk_id_hash", EMPTY);
  const infoHash = await labeledExtract(suite, EMPTY_SALT, "info_hash", info);
  const context = concat([MODE_BASE], pskIdHash, infoHash);
  const secret = await labeledExtract(suite, shared, "secret", EMPTY);
  return {
    context,
    secret,
    key: await labeledExpand(suite, secret, "key", context, aead.keyBytes),
    nonce: await labeledExpand(suite, secret, "base_nonce", context, NONCE_BYTES),
  };
}

/**
 * @param {Bytes} suite
 * @param {Bytes} salt
 * @param {string} label
 * @param {Bytes} ikm
 */
function labeledExtract(suite, salt, label, ikm) {
  return extract(salt, concat(VERSION, suite, utf8(label), ikm));
}

/**
 * @param {Bytes} suite
 * @param {Bytes} prk
 * @param {string} label
 * @param {Bytes} info
 * @param {number} length
 */
function labeledExpand(suite, prk, label, info, length) {
  return expand(prk, concat([length >> 8, length & 0xff], VERSION, suite, utf8(label), info), length);
}
