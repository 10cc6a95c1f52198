/** Sealing with age (age-encryption.org/v1), for who reads elsewhere. Fetched late: only who exports needs it. */

import { Encrypter } from "./vendor/age-encryption-encrypter-0.3.1.js";

/** Bytes that are brought out of the page's own memory at once: browsers keep large Blobs on the disk. */
const CHUNK = 4 << 20;

/**
 * @param {{recipient: string} | {passphrase: string}} to
 * @returns {Encrypter}
 * @throws {Error} for a recipient that is none
 */
export function encrypterFor(to) {
  const encrypter = new Encrypter();
  if ("recipient" in to) encrypter.addRecipient(to.recipient);
  else encrypter.setPassphrase(to.passphrase.normalize("NFC"));
  return encrypter;
}

/**
 * Seal what comes in pieces; the page holds a few of them at a time.
 * @param {Encrypter} encrypter
 * @param {AsyncGenerator<Uint8Array<ArrayBuffer>>} pieces
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
export async function sealed(encrypter, pieces, signal) {
  const source = new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return(undefined);
    },
  }, { highWaterMark: 0 });
  const stream = await encrypter.encrypt(source);
  const reader = stream.getReader();
  /** @type {Blob[]} */
  const blobs = [];
  /** @type {BlobPart[]} */
  let parts = [];
  let size = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(/** @type {Uint8Array<ArrayBuffer>} */ (value));
      size += value.length;
      if (size >= CHUNK) {
        blobs.push(new Blob(parts));
        [parts, size] = [[], 0];
      }
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    throw error;
  }
  return new Blob([...blobs, ...parts], { type: "application/octet-stream" });
}
