/**
 * Marks (heard, not heard) on their way to the server, in IndexedDB: what is marked without a connection, or just before
 * the tab is closed, still arrives; in the order in which it was marked, the last mark of a row alone.
 */

import * as api from "./api.js";
import { done, found } from "./database.js";
import { say } from "./words.js";

/** @typedef {{n: number, user: string, row: string, heard: boolean}} Mark n: their order */

const NAME = "aftertone-marks";
const MARKS = "marks";

/** Marks that wait at most: days of listening, and sent in under a minute. Further ones are refused in words. */
export const MOST = 1000;

/** Answers after which a mark would never be taken: the row is gone, or not mine any more. */
const FUTILE = [404, 409, 410, 422];

export class Marks {
  #user;
  #database;
  /** @type {Map<string, boolean>} row -> heard, of what has not arrived */
  #waiting = new Map();

  /**
   * @param {string} user
   * @param {IDBDatabase | null} database
   */
  constructor(user, database) {
    this.#user = user;
    this.#database = database;
  }

  /**
   * @param {string} user
   * @returns {Promise<Marks>} in a browser that gives no room, one that needs a connection
   */
  static async open(user) {
    const marks = new Marks(user, await opened().catch(() => null));
    for (const { row, heard } of await marks.#all()) marks.#waiting.set(row, heard);
    return marks;
  }

  /**
   * What I marked and the server does not know yet.
   * @param {string} row
   * @returns {boolean | undefined}
   */
  of(row) {
    return this.#waiting.get(row);
  }

  /**
   * Mark a row, and send it as soon as that can be.
   * @param {string} row
   * @param {boolean} heard
   * @returns {Promise<void>} when it is safely noted
   * @throws {Error} for people, when it can neither be noted nor sent
   */
  async add(row, heard) {
    if (!this.#database) {
      await send({ row, heard });
      return;
    }
    const all = await this.#all();
    const before = all.filter((mark) => mark.row === row);
    if (all.length - before.length >= MOST) throw new Error(say("marks_full", { n: MOST }));
    await this.#change((store) => {
      for (const { n } of before) store.delete(n);
      store.add({ user: this.#user, row, heard });
    });
    this.#waiting.set(row, heard);
  }

  /**
   * Send what waits; one tab at a time, and nothing twice. Without a connection it goes on waiting.
   * @throws {api.ApiError} 401
   */
  async send() {
    await navigator.locks.request("aftertone-marks", async () => {
      for (const mark of await this.#all()) {
        try {
          await send(mark);
        } catch (error) {
          if (!(error instanceof api.ApiError) || error.status === 401) throw error;
          if (!FUTILE.includes(error.status)) return;
        }
        await this.#change((store) => store.delete(mark.n));
        if (this.#waiting.get(mark.row) === mark.heard) this.#waiting.delete(mark.row);
      }
    });
  }

  /** @returns {Promise<Mark[]>} mine, in their order */
  async #all() {
    if (!this.#database) return [];
    const all = await found(this.#database.transaction(MARKS).objectStore(MARKS).getAll());
    return all.filter((/** @type {Mark} */ mark) => mark.user === this.#user);
  }

  /** @param {(store: IDBObjectStore) => void} work */
  async #change(work) {
    if (this.#database) await change(this.#database, work);
  }
}

/** Forget every mark of this browser. */
export async function wipe() {
  const database = await opened();
  try {
    await change(database, (store) => store.clear());
  } finally {
    database.close();
  }
}

/** @param {{row: string, heard: boolean}} mark */
async function send({ row, heard }) {
  await api.put(`rows/${encodeURIComponent(row)}/heard`, { heard });
}

/**
 * @param {IDBDatabase} database
 * @param {(store: IDBObjectStore) => void} work
 * @returns {Promise<void>} when it is on disk
 */
function change(database, work) {
  const transaction = database.transaction(MARKS, "readwrite", { durability: "strict" });
  work(transaction.objectStore(MARKS));
  return done(transaction, () => undefined);
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(MARKS, { keyPath: "n", autoIncrement: true });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
