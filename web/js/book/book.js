/** My address book: read, changed and saved, on several devices at once. Opened it is in this page's memory alone. */

import * as api from "../api.js";
import { toHex } from "../seal/bytes.js";
import { splitHead } from "../seal/layout.js";
import { Refused } from "../seal/refused.js";
import { say } from "../words.js";
import { merged, MOST, sorted } from "./contact.js";
import { keep, kept } from "./kept.js";
import { Names } from "./names.js";
import { MOST_BYTES, openBook, sealBook } from "./sealed.js";

/**
 * @typedef {import("./contact.js").Contact} Contact
 * @typedef {import("../seal/curve.js").KeyPair} KeyPair
 */

const PLACE = "me/addressbook";

/** How often a saving begins anew because another device was faster: it cannot be for ever. */
const TRIES = 5;

/** Fires `changed` whenever what stands in it has. */
export class AddressBook extends EventTarget {
  /** @type {{user: string, key: KeyPair} | null} */
  #owner = null;
  /** @type {string | null} of what the server has, as far as is known; null: it has none */
  #version = null;
  #names = new Names([]);
  /** @type {Promise<unknown>} one change after the other */
  #turn = Promise.resolve();
  /** Other tabs of this browser. */
  #others = new BroadcastChannel("aftertone-book");
  /** @type {string | null} why what the server has cannot be read; for people */
  problem = null;

  constructor() {
    super();
    this.#others.onmessage = () => void this.renew().catch(() => undefined); // the next connection reads it again
  }

  get contacts() {
    return this.#names.contacts;
  }

  get names() {
    return this.#names;
  }

  /**
   * Take what this browser keeps, at once.
   * @param {{user: string, key: KeyPair}} owner
   */
  async begin(owner) {
    this.#owner = owner;
    const book = await kept(owner.user);
    if (!book) return;
    try {
      this.#take(await openBook(book.sealed, owner));
    } catch {
      await keep(owner.user, null); // only a copy
    }
  }

  /**
   * Read what the server has, unless it is here.
   * @throws {api.ApiError}
   */
  renew() {
    return this.#inTurn(() => this.#read());
  }

  /**
   * Change the book and save it; when another device was faster, both changes count.
   * @param {(contacts: readonly Contact[]) => Contact[]} change
   * @throws {Error} for people; then the book is as it was
   */
  save(change) {
    return this.#inTurn(async () => {
      for (let tries = 0; ; tries += 1) {
        const before = this.contacts;
        try {
          await this.#write(sorted(change(before)));
          return;
        } catch (error) {
          const late = error instanceof api.ApiError && error.word === "address book changed";
          if (!late || tries === TRIES) throw error;
          await this.#read();
          const [mine, theirs] = [change(before), this.contacts];
          change = () => merged(before, mine, theirs);
        }
      }
    });
  }

  /** @param {readonly Contact[]} contacts */
  async #write(contacts) {
    const owner = this.#mine;
    if (this.problem === say("update_needed")) throw new Error(this.problem);
    if (contacts.length > MOST) throw new Error(say("book_full", { n: MOST }));
    const { version, sealed } = await sealBook(contacts, owner);
    if (sealed.length > MOST_BYTES) throw new Error(say("book_too_large"));
    await api.recognised();
    await api.putSealed(this.#version ? `${PLACE}?replaces=${this.#version}` : PLACE, sealed);
    this.#take({ version, contacts });
    this.#others.postMessage("changed");
    await keep(owner.user, { version, sealed });
  }

  async #read() {
    const owner = this.#mine;
    const told = await api.sealed(PLACE, this.#version);
    if (told === "same") return;
    if (told === "none") {
      this.#take({ version: null, contacts: [] });
      await keep(owner.user, null);
      return;
    }
    try {
      const book = await openBook(told, owner);
      this.#take(book);
      await keep(owner.user, { version: book.version, sealed: told });
    } catch (error) {
      const old = error instanceof Refused && error.word === "update needed";
      this.#take({ version: toHex(splitHead(told).noteId), contacts: [] }, say(old ? "update_needed" : "book_foreign"));
      await keep(owner.user, null);
    }
  }

  /**
   * @param {{version: string | null, contacts: readonly Contact[]}} book
   * @param {string | null} problem
   */
  #take({ version, contacts }, problem = null) {
    this.#version = version;
    this.#names = new Names(contacts);
    this.problem = problem;
    this.dispatchEvent(new Event("changed"));
  }

  get #mine() {
    if (!this.#owner) throw new Error(say("book_locked"));
    return this.#owner;
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #inTurn(work) {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
