/** The keys of my mailboxes, and everything that is done with them. */

import { readCall, readNote } from "./record.js";
import { fromBase64url, fromHex, toBase64url, toHex } from "./seal/bytes.js";
import { publicOf } from "./seal/curve.js";
import { claimProof, mailboxWrap, newKeypair, openMailboxWrap, openMailboxWrapRaw, rewrapEnvelope } from "./seal/keys.js";
import { kidOf } from "./seal/layout.js";
import { openNote, openRow } from "./seal/open.js";
import { Refused } from "./seal/refused.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 * @typedef {import("./api.js").Wrap} Wrap
 * @typedef {import("./api.js").RowData} RowData
 * @typedef {import("./api.js").NoteData} NoteData
 * @typedef {import("./record.js").CallRecord} CallRecord
 * @typedef {import("./record.js").OpenedNote} OpenedNote
 * @typedef {import("./seal/bytes.js").Bytes} Bytes
 * @typedef {import("./seal/curve.js").KeyPair} KeyPair
 * @typedef {{call: CallRecord | null, problem: "sealed" | "unreadable" | "update_needed" | null,
 *   notes: Map<string, OpenedNote>}} OpenedRow
 */

export class Keyring {
  /** @type {Me} */
  #me;
  /** @type {KeyPair | null} */
  #user = null;
  /** @type {Map<string, Map<number, KeyPair>>} mailbox id -> epoch -> key */
  #keys = new Map();

  /** @param {Me} me */
  constructor(me) {
    this.#me = me;
  }

  /**
   * Take my user key and open what is wrapped for it.
   * @param {CryptoKey} key
   */
  async unlock(key) {
    this.#user = { privateKey: key, publicKey: await publicOf(key) };
    await this.renew(this.#me);
  }

  /**
   * Take what the server now says of me, and open wraps that are new.
   * @param {Me} me
   */
  async renew(me) {
    this.#me = me;
    for (const id of this.#keys.keys()) if (!me.wraps.some((wrap) => wrap.mailbox_id === id)) this.#keys.delete(id);
    if (!this.#user) return;
    const user = this.#user;
    await Promise.all(me.wraps.map(async (wrap) => {
      const epochs = this.#keys.get(wrap.mailbox_id) ?? new Map();
      this.#keys.set(wrap.mailbox_id, epochs);
      if (epochs.has(wrap.epoch)) return;
      try {
        epochs.set(wrap.epoch, await openMailboxWrap({ ...this.#wrapped(wrap), user }));
      } catch (error) {
        // A wrap that does not open leaves its rows "sealed to another key"; the others must still open.
        if (!(error instanceof Refused)) throw error;
      }
    }));
  }

  get several() {
    return this.#me.mailboxes.length > 1;
  }

  /** Whether I have my own key, without which nothing opens. */
  get unlocked() {
    return this.#user !== null;
  }

  /**
   * Who I am, with my own key: for what is sealed to me alone.
   * @throws {Refused} without that key
   */
  get owner() {
    return { user: this.#me.user.id, key: this.#held() };
  }

  /** Whether no mailbox of mine lets me in yet: its rows are not given to me then. */
  get waits() {
    return this.#me.mailboxes.length > 0 && this.#me.mailboxes.every((box) => box.state === "private" && box.my_state !== "member");
  }

  /** @param {string} mailboxId */
  isPrivate(mailboxId) {
    return this.#box(mailboxId)?.state === "private";
  }

  /**
   * Whether somebody else sees the rows of a mailbox as well.
   * @param {string} mailboxId
   */
  isShared(mailboxId) {
    return (this.#box(mailboxId)?.people ?? 0) > 1;
  }

  /**
   * Whether I hold a key of a mailbox.
   * @param {string} mailboxId
   */
  opens(mailboxId) {
    return this.#keysOf(mailboxId).length > 0;
  }

  /**
   * Open a row as far as my keys go. Never throws for what stands in it: rows come from callers.
   * @param {RowData} row
   * @returns {Promise<OpenedRow>}
   */
  async openRow(row) {
    const keys = this.#keysOf(row.mailbox_id);
    if (!keys.length) return { call: null, problem: "sealed", notes: new Map() };
    try {
      const { meta } = await openNote(fromBase64url(row.sealed), { noteId: fromHex(row.id), mailboxId: row.mailbox_id, keys });
      const notes = await Promise.all(row.notes.map((note) => this.#openNoteRow(row.mailbox_id, note, keys)));
      return { call: readCall(meta), problem: null, notes: new Map(notes.filter((note) => note !== null)) };
    } catch (error) {
      const old = error instanceof Refused && error.word === "update needed";
      return { call: null, problem: old ? "update_needed" : "unreadable", notes: new Map() };
    }
  }

  /**
   * Open a whole note. The envelopes of its row count: those in the blob may be of an older key.
   * @param {Bytes} blob
   * @param {string} mailboxId
   * @param {NoteData} note
   * @param {boolean} damaged pass over media that fails its check
   * @throws {Refused}
   */
  openBlob(blob, mailboxId, note, damaged) {
    const envelopes = note.envelopes.map(fromBase64url);
    return openNote(blob, { noteId: fromHex(note.id), mailboxId, keys: this.#keysOf(mailboxId), envelopes, damaged });
  }

  /**
   * Take over an unclaimed mailbox: open the key that the server made, prove it, and make the next one myself.
   * @param {string} mailboxId
   * @param {{wrap: string, epoch: number, public: string}} offer
   * @returns {Promise<{proof: string, public: string, wrap: string}>} what confirms the claim
   * @throws {Refused} `mailbox key`
   */
  async takeOver(mailboxId, offer) {
    const first = await openMailboxWrapRaw({ ...this.#wrapped({ mailbox_id: mailboxId, ...offer }), user: this.#held() });
    const proof = await claimProof(first, this.#me.user.id);
    first.fill(0);
    const next = await newKeypair();
    const wrap = await this.#wrapFor(this.#me.user.id, this.#held().publicKey, mailboxId, offer.epoch + 1, next.secret, next.publicKey);
    next.secret.fill(0);
    return { proof: toBase64url(proof), public: toBase64url(next.publicKey), wrap: toBase64url(wrap) };
  }

  /**
   * The envelope of the mailbox's present epoch for an older note or call record.
   * @param {Mailbox} box
   * @param {{id: string, commit: string, envelope: string}} item
   * @returns {Promise<string>}
   * @throws {Refused}
   */
  async newEnvelope(box, item) {
    const epochs = this.#keys.get(box.id) ?? new Map();
    const newKey = epochs.get(box.epoch);
    const older = [...epochs].filter(([epoch]) => epoch < box.epoch).sort(([a], [b]) => b - a);
    let why = new Refused("mailbox key");
    for (const [, oldKey] of newKey ? older : []) {
      try {
        return toBase64url(await rewrapEnvelope({
          envelope: fromBase64url(item.envelope), noteId: fromHex(item.id), mailboxId: box.id,
          commit: fromBase64url(item.commit), oldKey, newKey,
        }));
      } catch (error) {
        // One of the newest key may be another member's rubbish; an older one beside it still opens.
        if (!(error instanceof Refused)) throw error;
        if (error.word !== "not sealed to this key") why = error;
      }
    }
    throw why;
  }

  /**
   * Every mailbox key that I hold, closed for a new user key of mine.
   * @param {string} userPublic base64url
   * @returns {Promise<{mailbox_id: string, epoch: number, wrap: string}[]>}
   */
  async wrapsAnew(userPublic) {
    return Promise.all(this.#me.wraps.map(async (wrap) => {
      const { mailbox_id, epoch } = wrap;
      const asked = this.#wrapped(wrap);
      try {
        const secret = await openMailboxWrapRaw({ ...asked, user: this.#held() });
        const made = await this.#wrapFor(this.#me.user.id, fromBase64url(userPublic), mailbox_id, epoch, secret, asked.mailboxPublic);
        secret.fill(0);
        return { mailbox_id, epoch, wrap: toBase64url(made) };
      } catch (error) {
        // What never opened for me opens later no less.
        if (error instanceof Refused && error.word === "mailbox key") return { mailbox_id, epoch, wrap: wrap.wrap };
        throw error;
      }
    }));
  }

  /**
   * The next key of a mailbox, closed for those who are to read on. Nothing of it stays here.
   * @param {string} mailboxId
   * @param {number} epoch
   * @param {{user_id: string, public: string}[]} people
   * @returns {Promise<import("./api.js").NextKey>}
   * @throws {Refused} `public key`
   */
  async nextKey(mailboxId, epoch, people) {
    const { secret, publicKey } = await newKeypair();
    const wraps = await Promise.all(people.map(async (person) => ({
      user_id: person.user_id,
      wrap: toBase64url(await this.#wrapFor(person.user_id, fromBase64url(person.public), mailboxId, epoch, secret, publicKey)),
    })));
    secret.fill(0);
    return { epoch, public: toBase64url(publicKey), wraps };
  }

  /**
   * Every epoch's key of a mailbox, wrapped for another member.
   * @param {string} mailboxId
   * @param {string} userId
   * @param {string} userPublic base64url
   * @returns {Promise<{epoch: number, wrap: string}[]>}
   * @throws {Refused}
   */
  async wrapsFor(mailboxId, userId, userPublic) {
    const mine = this.#me.wraps.filter((wrap) => wrap.mailbox_id === mailboxId);
    return Promise.all(mine.map(async (wrap) => {
      const asked = this.#wrapped(wrap);
      const secret = await openMailboxWrapRaw({ ...asked, user: this.#held() });
      const made = await this.#wrapFor(userId, fromBase64url(userPublic), mailboxId, wrap.epoch, secret, asked.mailboxPublic);
      secret.fill(0);
      return { epoch: wrap.epoch, wrap: toBase64url(made) };
    }));
  }

  /** My own public key, base64url. */
  get mine() {
    return toBase64url(this.#held().publicKey);
  }

  /**
   * @param {string} publicKey base64url
   */
  fingerprint(publicKey) {
    return fingerprint(publicKey);
  }

  /**
   * @param {string} mailboxId
   * @param {NoteData} note
   * @param {KeyPair[]} keys
   * @returns {Promise<[string, OpenedNote] | null>}
   */
  async #openNoteRow(mailboxId, note, keys) {
    try {
      const opened = await openRow([...note.meta, ...note.peaks].map(fromBase64url), {
        noteId: fromHex(note.id), mailboxId, keys, commit: fromBase64url(note.commit), envelopes: note.envelopes.map(fromBase64url),
      });
      return [note.id, readNote(opened, note)];
    } catch {
      // A note that does not open must not hide its call.
      return null;
    }
  }

  /**
   * @param {string} userId
   * @param {Bytes} userPublic
   * @param {string} mailboxId
   * @param {number} epoch
   * @param {Bytes} mailboxSecret
   * @param {Bytes} mailboxPublic
   */
  #wrapFor(userId, userPublic, mailboxId, epoch, mailboxSecret, mailboxPublic) {
    return mailboxWrap({ mailboxId, epoch, mailboxPublic, userId, mailboxSecret, userPublic });
  }

  /** @param {Wrap} wrap */
  #wrapped(wrap) {
    return {
      mailboxId: wrap.mailbox_id, epoch: wrap.epoch, mailboxPublic: fromBase64url(wrap.public), userId: this.#me.user.id,
      wrap: fromBase64url(wrap.wrap),
    };
  }

  /** @returns {KeyPair} */
  #held() {
    if (!this.#user) throw new Refused("wrong secret");
    return this.#user;
  }

  /** @param {string} mailboxId */
  #keysOf(mailboxId) {
    return [...(this.#keys.get(mailboxId)?.values() ?? [])];
  }

  /** @param {string} mailboxId */
  #box(mailboxId) {
    return this.#me.mailboxes.find((box) => box.id === mailboxId);
  }
}

/**
 * A public key as two people read it to each other: 16 hex digits in groups of four.
 * @param {string} publicKey base64url
 */
export async function fingerprint(publicKey) {
  return (toHex(await kidOf(fromBase64url(publicKey))).match(/.{4}/g) ?? []).join(" ");
}
