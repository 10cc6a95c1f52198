// X25519 keys (RFC 7748 section 5). Private keys live in WebCrypto, non-extractable; raw bytes only in passing.

import { concat, fromHex } from "./bytes.js";
import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{ privateKey: CryptoKey, publicKey: Bytes }} KeyPair */

export const KEY_BYTES = 32;

const PKCS8 = fromHex("302e020100300506032b656e04220420");
const BASE_POINT = new Uint8Array(KEY_BYTES);
BASE_POINT[0] = 9;

/**
 * A new key pair as raw bytes, for who must close the private key for others first; `importKeypair` ends that.
 * @returns {Promise<{ secret: Bytes, publicKey: Bytes }>}
 */
export async function newKeypair() {
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]));
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const secret = pkcs8.slice(PKCS8.length);
  pkcs8.fill(0);
  return { secret, publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

/**
 * Take raw private bytes into WebCrypto, not to come out again, and overwrite them where they stood.
 * @param {Bytes} secret 32 bytes; zeros afterwards
 * @returns {Promise<KeyPair>}
 * @throws {Refused} `private key` unless there are 32 bytes
 */
export async function importKeypair(secret) {
  if (secret.length !== KEY_BYTES) throw new Refused("private key");
  const pkcs8 = concat(PKCS8, secret);
  secret.fill(0);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, false, ["deriveBits"]);
  pkcs8.fill(0);
  return { privateKey, publicKey: await publicOf(privateKey) };
}

/**
 * The public key of a private one, also where WebCrypto will not hand the private one out.
 * @param {CryptoKey} privateKey
 * @returns {Promise<Bytes>}
 */
export async function publicOf(privateKey) {
  return diffieHellman(privateKey, BASE_POINT);
}

/**
 * @param {CryptoKey} privateKey
 * @param {Bytes} publicKey
 * @returns {Promise<Bytes>} the shared 32 bytes
 * @throws {Refused} `public key` for a wrong length or an all-zero result (RFC 9180 section 7.1.4)
 */
export async function diffieHellman(privateKey, publicKey) {
  let shared;
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, { name: "X25519" }, true, []);
    shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: key }, privateKey, 256));
  } catch {
    throw new Refused("public key");
  }
  // Browsers refuse by themselves; some did not when X25519 was new.
  if (shared.every((byte) => byte === 0)) throw new Refused("public key");
  return shared;
}
