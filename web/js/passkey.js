/**
 * Passkeys, as browsers have them (WebAuthn level 3): making one, and asking for a signature. With it comes the
 * passkey's own secret, which opens a keyslot; that stays in the page.
 */

import { fromBase64url, toBase64url, utf8 } from "./seal/bytes.js";
import { passkeyInput } from "./seal/passkey.js";
import { say } from "./words.js";

/**
 * @typedef {import("./seal/bytes.js").Bytes} Bytes
 * @typedef {{ceremony: string, challenge: string, rp_id: string, algorithms: number[], known: string[]}} Options
 */

/** How long a browser waits for somebody, in milliseconds: as long as the server's challenge is good. */
const PATIENCE_MS = 120_000;

const CHALLENGE = 32;

/**
 * Why there are no passkeys in this page.
 * @returns {string} for people; empty where there are some
 */
export function whyNone() {
  const home = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=aftertone-home]"))?.content ?? "";
  const word = hindrance("PublicKeyCredential" in window, location.origin, home);
  return word && say(word, { home });
}

/**
 * @param {boolean} able whether this browser knows passkeys
 * @param {string} here the page's origin
 * @param {string} home the server's own address: passkeys are bound to its name
 * @returns {"" | "passkey_browser" | "passkey_number" | "passkey_elsewhere"}
 */
export function hindrance(able, here, home) {
  if (!URL.canParse(home) || isNumber(new URL(home).hostname)) return "passkey_number";
  if (new URL(home).origin !== here) return "passkey_elsewhere";
  return able ? "" : "passkey_browser";
}

/** @param {string} host as a URL has it: an IPv6 address in brackets, an IPv4 one in four numbers */
function isNumber(host) {
  return host.startsWith("[") || /^\d+(\.\d+){3}$/.test(host);
}

/**
 * Whether this device can be a passkey itself, by fingerprint, face or PIN.
 * @returns {Promise<boolean>}
 */
export async function deviceHasOne() {
  if (whyNone()) return false;
  return PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false);
}

/**
 * Make a passkey.
 * @param {Options} options
 * @param {{id: string, name: string}} user
 * @param {() => void} onceMore called before the device is asked a second time, which some need to tell their secret
 * @returns {Promise<{id: Bytes, answer: {client_data: string, attestation: string}, secret: Bytes | null}>} secret:
 *   null when it has none
 * @throws {Error} for people
 */
export async function make(options, user, onceMore) {
  const input = passkeyInput(user.id);
  const made = await chosen(() => navigator.credentials.create({
    publicKey: {
      rp: { id: options.rp_id, name: "Aftertone" },
      // The handle says to the server whose it is; the name is for the device's own list alone.
      user: { id: utf8(user.id), name: user.name, displayName: user.name },
      challenge: fromBase64url(options.challenge),
      pubKeyCredParams: options.algorithms.map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      excludeCredentials: options.known.map(described),
      attestation: "none",
      timeout: PATIENCE_MS,
      extensions: { prf: { eval: { first: input } } },
    },
  }));
  const id = new Uint8Array(made.rawId);
  const response = /** @type {AuthenticatorAttestationResponse} */ (made.response);
  const answer = { client_data: encoded(response.clientDataJSON), attestation: encoded(response.attestationObject) };
  const told = made.getClientExtensionResults().prf;
  try {
    const secret = told?.results ? bytesOf(told.results.first) : told?.enabled === false ? null : await secretOf(id, user.id, onceMore);
    return { id, answer, secret };
  } catch (error) {
    disown(options.rp_id, id);
    throw error;
  }
}

/**
 * @param {Bytes} id
 * @param {string} userId
 * @param {() => void} onceMore
 */
async function secretOf(id, userId, onceMore) {
  onceMore();
  return (await ask({ allow: [toBase64url(id)], users: [userId] })).secrets.get(userId) ?? null;
}

/**
 * Have a passkey sign, and take its secrets for those who may be its owner.
 * @param {{challenge?: string, allow?: string[], users: string[]}} asked challenge: the server's, where it is to see the
 *   signature; allow: credential ids, or any that the device has; users: two at most
 * @returns {Promise<{credentialId: string, answer: {credential_id: string, client_data: string,
 *   authenticator_data: string, signature: string, user_handle: string}, secrets: Map<string, Bytes>}>}
 * @throws {Error} for people
 */
export async function ask({ challenge, allow = [], users }) {
  const [first, second] = users.map(passkeyInput);
  const given = await chosen(() => navigator.credentials.get({
    publicKey: {
      challenge: challenge === undefined ? crypto.getRandomValues(new Uint8Array(CHALLENGE)) : fromBase64url(challenge),
      rpId: location.hostname,
      allowCredentials: allow.map(described),
      userVerification: "required",
      timeout: PATIENCE_MS,
      ...(first && { extensions: { prf: { eval: { first, ...(second && { second }) } } } }),
    },
  }));
  const response = /** @type {AuthenticatorAssertionResponse} */ (given.response);
  const { first: one, second: other } = given.getClientExtensionResults().prf?.results ?? {};
  /** @type {Map<string, Bytes>} */
  const secrets = new Map();
  for (const [at, secret] of [one, other].entries()) {
    const user = users[at];
    if (user && secret) secrets.set(user, bytesOf(secret));
  }
  return {
    credentialId: given.id,
    // Not the credential as a whole: its extensions' results are the secrets.
    answer: {
      credential_id: given.id,
      client_data: encoded(response.clientDataJSON),
      authenticator_data: encoded(response.authenticatorData),
      signature: encoded(response.signature),
      user_handle: response.userHandle ? encoded(response.userHandle) : "",
    },
    secrets,
  };
}

/**
 * Tell the device that this passkey is of no use here, so that it no longer offers it; not every browser passes it on.
 * @param {string} rpId
 * @param {Bytes} id
 */
export function disown(rpId, id) {
  if (!("PublicKeyCredential" in window) || !("signalUnknownCredential" in PublicKeyCredential)) return;
  PublicKeyCredential.signalUnknownCredential({ rpId, credentialId: toBase64url(id) }).catch(() => undefined);
}

/** Nobody chose a passkey, or none was there: browsers do not tell which. */
export class NotChosen extends Error {}

/**
 * @param {() => Promise<Credential | null>} asking
 * @returns {Promise<PublicKeyCredential>}
 */
async function chosen(asking) {
  try {
    const found = await asking();
    if (found) return /** @type {PublicKeyCredential} */ (found);
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "InvalidStateError") throw new Error(say("passkey_there"), { cause: error });
    if (name !== "NotAllowedError" && name !== "AbortError") throw new Error(say("passkey_failed"), { cause: error });
  }
  throw new NotChosen(say("passkey_none_chosen"));
}

/** @param {string} id */
function described(id) {
  return { type: /** @type {const} */ ("public-key"), id: fromBase64url(id) };
}

/** @param {ArrayBuffer} buffer */
function encoded(buffer) {
  return toBase64url(new Uint8Array(buffer));
}

/**
 * @param {BufferSource} source
 * @returns {Bytes}
 */
function bytesOf(source) {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(/** @type {ArrayBuffer} */ (source.buffer), source.byteOffset, source.byteLength).slice()
    : new Uint8Array(source);
}
