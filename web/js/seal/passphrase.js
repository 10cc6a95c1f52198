// What Argon2id makes of a passphrase (RFC 9106; FORMAT.md, "Keys"). The one thing WebCrypto cannot do.

import { argon2id } from "../vendor/hash-wasm-argon2-4.13.0.js";
import { fromHex, toHex, utf8 } from "./bytes.js";
import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

const MEMORY_KIB = 65536;
const PASSES = 3;
// Parameters come from the server: they must not make a passphrase cheap to guess, nor freeze the page.
const MEMORY_KIB_MOST = 1024 * 1024;
const PASSES_MOST = 64;
const SALT_BYTES = 16;

/**
 * The params of a new passphrase slot, with a new salt.
 * @returns {string} JSON with sorted keys
 */
export function passphraseParams() {
  const salt = toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
  return JSON.stringify({ kdf: "argon2id", m_kib: MEMORY_KIB, p: 1, salt, t: PASSES, v: 19 });
}

/**
 * s: the 32 bytes that everything of a passphrase hangs on. Takes 64 MiB and about half a second.
 * @param {string} passphrase
 * @param {string} params as in the slot
 * @returns {Promise<Bytes>}
 * @throws {Refused} `passphrase parameters` if they are not ours, or too cheap or too dear
 */
export async function passphraseSecret(passphrase, params) {
  const { memorySize, iterations, salt } = readParams(params);
  const secret = await argon2id({
    password: utf8(passphrase.normalize("NFKC")),
    salt,
    parallelism: 1,
    iterations,
    memorySize,
    hashLength: 32,
    outputType: "binary",
  });
  return Uint8Array.from(secret);
}

/** @param {string} params */
function readParams(params) {
  let told;
  let salt;
  try {
    told = JSON.parse(params);
    salt = fromHex(told.salt);
  } catch {
    throw new Refused("passphrase parameters");
  }
  const { kdf, v, p, m_kib: memorySize, t: iterations } = told;
  const known = kdf === "argon2id" && v === 19 && p === 1 && salt.length === SALT_BYTES;
  if (!known || !within(memorySize, MEMORY_KIB, MEMORY_KIB_MOST) || !within(iterations, PASSES, PASSES_MOST)) {
    throw new Refused("passphrase parameters");
  }
  return { memorySize, iterations, salt };
}

/**
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 */
function within(value, least, most) {
  return Number.isInteger(value) && /** @type {number} */ (value) >= least && /** @type {number} */ (value) <= most;
}
