// HKDF-SHA256 (RFC 5869) for results of at most one block.

import { concat } from "./bytes.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

const BLOCK = 32;
const HMAC = { name: "HMAC", hash: "SHA-256" };

/** @type {Bytes} HMAC pads its key with zeros, and an empty key cannot be imported everywhere. */
export const EMPTY_SALT = new Uint8Array(BLOCK);

/**
 * @param {Bytes} salt
 * @param {Bytes} secret
 * @returns {Promise<Bytes>} 32 bytes
 */
export async function extract(salt, secret) {
  const key = await crypto.subtle.importKey("raw", salt, HMAC, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(HMAC, key, secret));
}

/**
 * @param {Bytes} prk 32 bytes
 * @param {Bytes} info
 * @param {number} [length] at most 32
 * @returns {Promise<Bytes>}
 */
export async function expand(prk, info, length = BLOCK) {
  if (length > BLOCK) throw new RangeError("more than one block");
  return (await extract(prk, concat(info, [1]))).slice(0, length);
}

/**
 * HKDF with empty salt and 32 bytes out, as all of FORMAT.md has it.
 * @param {Bytes} secret
 * @param {Bytes} info
 */
export async function hkdf(secret, info) {
  return expand(await extract(EMPTY_SALT, secret), info);
}
