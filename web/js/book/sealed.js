/**
 * An address book as the server keeps it: an SN1 sealed to its owner, with a proof that only its owner can have
 * made it (bridge/seal/FORMAT.md, "Address book").
 */

import { concat, equal, fromHex, join, lp, toHex, utf8 } from "../seal/bytes.js";
import { diffieHellman } from "../seal/curve.js";
import { newId, NoteSealer } from "../seal/close.js";
import { extract, hkdf } from "../seal/hkdf.js";
import { splitHead, STREAM_MEDIA, STREAM_META } from "../seal/layout.js";
import { padJson } from "../seal/meta.js";
import { openNote } from "../seal/open.js";
import { Refused } from "../seal/refused.js";
import { contact, MOST, sorted } from "./contact.js";

/**
 * @typedef {import("../seal/bytes.js").Bytes} Bytes
 * @typedef {import("../seal/curve.js").KeyPair} KeyPair
 * @typedef {import("./contact.js").Contact} Contact
 */

/** Bytes to whose multiple the entries are padded: some fifty people, so that one more is not seen. */
const PAD = 4096;

/** Bytes of one record: what is opened in one go. */
const RECORD = 256 * 1024;

/** Bytes that the server takes at most. */
export const MOST_BYTES = 4 * 1024 * 1024;

/**
 * @param {readonly Contact[]} contacts
 * @param {{user: string, key: KeyPair}} owner
 * @returns {Promise<{version: string, sealed: Bytes}>} version: its note id, never the same twice
 */
export async function sealBook(contacts, { user, key }) {
  const entries = contacts.map(({ name, numbers, note }) => (note ? { name, numbers, note } : { name, numbers }));
  const data = padJson({ v: 1, kind: "addressbook", entries }, PAD);
  const noteId = newId();
  const proof = toHex(await proofOf(data, noteId, user, key));
  const sealer = await NoteSealer.begin(noteId, { mailboxId: user, publicKey: key.publicKey });
  const parts = [sealer.head];
  for (let at = 0; at < data.length; at += RECORD) {
    parts.push(await sealer.record(STREAM_MEDIA, data.subarray(at, at + RECORD), 0, at + RECORD >= data.length));
  }
  const meta = { kind: "addressbook", proof, streams: sealer.counts, type: "application/json", v: 1 };
  parts.push(await sealer.record(STREAM_META, padJson(meta), 0, true));
  sealer.forget();
  return { version: toHex(noteId), sealed: join(parts) };
}

/**
 * @param {Bytes} sealed
 * @param {{user: string, key: KeyPair}} owner
 * @returns {Promise<{version: string, contacts: Contact[]}>}
 * @throws {Refused} with a word of FORMAT.md; `address book` for what is none, or was not made by its owner
 */
export async function openBook(sealed, { user, key }) {
  const { noteId } = splitHead(sealed);
  const { meta, media, cutOff } = await openNote(sealed, { noteId, mailboxId: user, keys: [key] });
  if (cutOff || meta.kind !== "addressbook" || typeof meta.proof !== "string") throw new Refused("address book");
  const proof = await proofOf(media, noteId, user, key);
  if (!/^[0-9a-f]{64}$/.test(meta.proof) || !equal(fromHex(meta.proof), proof)) throw new Refused("address book");
  if (meta.v !== 1) throw new Refused("update needed");
  const { entries } = JSON.parse(new TextDecoder().decode(media));
  const contacts = /** @type {import("./contact.js").Told[]} */ (entries).slice(0, MOST).map(contact);
  return { version: toHex(noteId), contacts: sorted(contacts) };
}

/**
 * Anybody who knows the public key can seal to it; this takes the private one.
 * @param {Bytes} data
 * @param {Bytes} noteId
 * @param {string} user
 * @param {KeyPair} key
 */
async function proofOf(data, noteId, user, key) {
  const secret = await hkdf(await diffieHellman(key.privateKey, key.publicKey), concat(utf8("sn1 addressbook"), lp(utf8(user))));
  return extract(secret, join([noteId, new Uint8Array(await crypto.subtle.digest("SHA-256", data))]));
}
