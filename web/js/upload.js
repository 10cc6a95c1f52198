/** A sealed note on its way to the server: in pieces, and on again where a connection broke. */

import * as api from "./api.js";
import { blobOf } from "./reseal.js";
import { toBase64url } from "./seal/bytes.js";

/** Bytes of one request; the server's limit. */
const PIECE = 65_536;

/** How long to wait before each further try, in milliseconds; then whoever sends may decide. */
const AGAIN_MS = [500, 1500, 4000, 8000];

/** No connection, or a server that cannot take it just now. */
const LATER = [0, 502, 503, 504];

/**
 * @param {string} mailboxId
 * @param {string} noteId the note that it was made of
 * @param {import("./reseal.js").Resealed} made
 * @param {(done: number) => void} progress from 0 to 1
 * @param {AbortSignal} signal
 * @throws {api.ApiError} `old key`: the mailbox has another one by now
 */
export async function upload(mailboxId, noteId, made, progress, signal) {
  const blob = blobOf(made);
  const announced = { note_id: noteId, id: made.id, call_id: made.callId, call: toBase64url(made.call), head: toBase64url(made.head), size: blob.length };
  await patiently(signal, async () => {
    let { at } = await api.post(`mailboxes/${mailboxId}/forwards`, announced);
    while (at < blob.length) {
      signal.throwIfAborted();
      progress(at / blob.length);
      ({ at } = await api.putBytes(`forwards/${made.id}?at=${at}`, blob.slice(at, at + PIECE)));
    }
    await api.post(`forwards/${made.id}/done`);
  });
  progress(1);
}

/**
 * Do it again from where the server is, as long as the line is to blame.
 * @param {AbortSignal} signal
 * @param {() => Promise<void>} work
 */
async function patiently(signal, work) {
  for (const wait of [...AGAIN_MS, null]) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (wait === null || !(error instanceof api.ApiError) || !LATER.includes(error.status)) throw error;
      await new Promise((resolve) => { setTimeout(resolve, wait); });
    }
  }
}
