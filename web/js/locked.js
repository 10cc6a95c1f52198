/** What this device keeps for itself: sealed with AES-GCM under a key of its own, padded, each in its own place. */

/** Bytes of the IV. */
const IV = 12;

/** Bytes to which a row is filled up: most are of the first two steps. */
const STEP = 1024;

/**
 * @param {CryptoKey} key AES-GCM
 * @param {Uint8Array<ArrayBuffer>} place where alone it opens
 * @param {object} told
 * @returns {Promise<Uint8Array<ArrayBuffer>>} its IV, then what is sealed; padded, so that its length tells little
 */
export async function seal(key, place, told) {
  const text = new TextEncoder().encode(JSON.stringify(told));
  const padded = new Uint8Array(Math.ceil(text.length / STEP) * STEP).fill(0x20);
  padded.set(text);
  const bytes = new Uint8Array(IV + padded.length + 16);
  const iv = crypto.getRandomValues(bytes.subarray(0, IV));
  bytes.set(new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: place }, key, padded)), IV);
  return bytes;
}

/**
 * @param {CryptoKey} key
 * @param {Uint8Array<ArrayBuffer>} place
 * @param {unknown} bytes
 * @returns {Promise<any>}
 * @throws {Error} when it is not what was sealed for this place
 */
export async function unseal(key, place, bytes) {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("not sealed");
  const how = { name: "AES-GCM", iv: bytes.slice(0, IV), additionalData: place };
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(how, key, bytes.slice(IV))));
}
