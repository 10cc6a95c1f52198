/** The one way to the server: JSON under /api/v1 with the session cookie. */

import { refusal as meaning } from "./refusal.js";
import { say } from "./words.js";

/**
 * @typedef {{id: string, name: string, public: string}} User
 * @typedef {{mailbox_id: string, epoch: number, public: string, wrap: string}} Wrap
 * @typedef {{id: string, extension: string, name: string, state: "unclaimed" | "claim_offered" | "private",
 *   my_state: "invited" | "waiting" | "member", epoch: number, public: string, waiting: number, older: boolean,
 *   keep_days: number | null, key_since: string | null, key_by: string | null, outgrown: boolean, people: number}} Mailbox
 *   waiting: people who wait for a member's approval; people: how many see its rows in a page, I among them;
 *   older: calls or notes still want an envelope of this epoch; outgrown: somebody who is no member may have its key
 * @typedef {{user: User, slots: string[], wraps: Wrap[], mailboxes: Mailbox[], recovery: Recovery | null,
 *   csrf: string}} Me
 * @typedef {{user_id: string, public: string, opens: string[], waits: string[]}} Recovery the organisation's recovery key, while
 *   it is on; opens: mailboxes of mine whose members have let it in; waits: those that have not
 * @typedef {{id: string, state: "recording" | "kept", started_at: string, speech: boolean | null, cut_off: boolean,
 *   size: number, epoch: number, commit: string, envelopes: string[], meta: string[], peaks: string[]}} NoteData
 * @typedef {{state: "open" | "taken" | "done", user_id: string | null, user: string | null, mine: boolean,
 *   at: string | null}} Handling how far a row is for all members, by whom and since when; mine: by me; user: null when he
 *   is no member any more
 * @typedef {{id: string, mailbox_id: string, extension: string, mailbox_name: string, received_at: string,
 *   reason: string, sealed: string, heard: boolean, handling: Handling, deleted_at: string | null, notes: NoteData[],
 *   version: string}} RowData
 *   version: another whenever anything of the row is
 * @typedef {{user_id: string, name: string, public: string | null, state: "invited" | "waiting" | "member",
 *   epochs: number[]}} Member
 * @typedef {{id: string, credential_id: string, name: string, added_at: string, used_at: string | null}} Passkey
 * @typedef {{epoch: number, public: string, members: Member[]}} Members with the mailbox's present key
 * @typedef {{epoch: number, public: string, wraps: {user_id: string, wrap: string}[]}} NextKey of a mailbox
 */

/** The server said no. ``word`` is stable, ``message`` is for people. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} word
   * @param {string} message
   */
  constructor(status, word, message) {
    super(message);
    this.status = status;
    this.word = word;
  }
}

let csrf = "";

/**
 * Who I am. Also takes the CSRF value that state-changing requests must carry.
 * @returns {Promise<Me>}
 * @throws {ApiError} 401 without a session
 */
export async function me() {
  const answer = /** @type {Me} */ (await get("me"));
  csrf = answer.csrf;
  return answer;
}

/**
 * Take the CSRF value if a page that began without a connection has none yet.
 * @throws {ApiError} 401 without a session
 */
export async function recognised() {
  if (!csrf) await me();
}

/**
 * @param {string} path below /api/v1/
 * @returns {Promise<any>}
 */
export function get(path) {
  return call("GET", path);
}

/**
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
export function post(path, body = {}) {
  return call("POST", path, body);
}

/**
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 */
export function put(path, body) {
  return call("PUT", path, body);
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export function remove(path) {
  return call("DELETE", path);
}

/**
 * Send bytes, a piece of something sealed.
 * @param {string} path
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<any>}
 */
export async function putBytes(path, bytes) {
  const headers = { Accept: "application/json", "Content-Type": "application/octet-stream", "X-CSRF": csrf };
  const response = await reach(`/api/v1/${path}`, { method: "PUT", headers, cache: "no-store", body: bytes });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * The whole sealed note.
 * @param {string} noteId
 * @param {"exported"} [act] what the mailbox's log is to say, if not that somebody listened
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function blob(noteId, act) {
  const response = await reach(`/api/v1/notes/${encodeURIComponent(noteId)}/blob${act ? `?act=${act}` : ""}`, { cache: "no-store" });
  if (!response.ok) throw await refusal(response);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * What the server keeps sealed for me.
 * @param {string} path below /api/v1/
 * @param {string | null} known the version that is here already
 * @returns {Promise<Uint8Array<ArrayBuffer> | "none" | "same">}
 */
export async function sealed(path, known) {
  /** @type {Record<string, string>} */
  const headers = known ? { "If-None-Match": `"${known}"` } : {};
  const response = await reach(`/api/v1/${path}`, { headers, cache: "no-store" });
  if (response.status === 204) return "none";
  if (response.status === 304) return "same";
  if (!response.ok) throw await refusal(response);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * @param {string} path
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<any>}
 */
export async function putSealed(path, bytes) {
  const headers = { Accept: "application/json", "Content-Type": "application/octet-stream", "X-CSRF": csrf };
  const response = await reach(`/api/v1/${path}`, { method: "PUT", headers, cache: "no-store", body: bytes });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
async function call(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (csrf) headers["X-CSRF"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await reach(`/api/v1/${path}`, {
    method, headers, cache: "no-store", body: body === undefined ? null : JSON.stringify(body),
  });
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}

/**
 * @param {string} address
 * @param {RequestInit} how
 */
async function reach(address, how) {
  try {
    return await fetch(address, { ...how, credentials: "same-origin", redirect: "error" });
  } catch {
    throw new ApiError(0, "offline", say("offline_request"));
  }
}

/** @param {Response} response */
async function refusal(response) {
  const { error = "error" } = await response.json().catch(() => ({}));
  return new ApiError(response.status, String(error), explain(response, String(error)));
}

/**
 * @param {Response} response
 * @param {string} word
 */
function explain(response, word) {
  if (response.status === 429) return say("too_many", { s: Number(response.headers.get("Retry-After")) || 60 });
  return meaning(word, response.status);
}
