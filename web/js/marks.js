/**
 * Marks on their way to the server, in IndexedDB: what is marked without a connection, or just before the tab is closed,
 * still arrives, in the order in which it was marked. Of what I heard, the last mark of a row alone; of what I took or have
 * done, every step, since each stands on the one before.
 */

import * as api from "./api.js";
import { done, found } from "./database.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Handling} Handling
 * @typedef {import("./api.js").RowData} RowData
 * @typedef {{state: Handling["state"], seen: {state: Handling["state"], user_id: string | null}, shown: Handling}} Step
 *   seen: what I wished it for; shown: what the page shows until it has arrived
 * @typedef {{n: number, user: string, row: string, heard?: boolean, handling?: Step}} Mark n: their order; it has one of both
 */

const NAME = "aftertone-marks";
const MARKS = "marks";

/** Marks that wait at most: days of listening, and sent in under a minute. Further ones are refused in words. */
export const MOST = 1000;

/** Answers after which a mark would never be taken: the row is gone, or not mine any more. */
const FUTILE = [404, 409, 410, 422];

/** Fires `handled` (detail: {row, handling}) for a step that arrived, and `lost` (detail: row[]) for those that did not
 * happen: somebody was quicker. */
export class Marks extends EventTarget {
  #user;
  #database;
  /** @type {Map<string, {heard?: boolean, handling?: Handling}>} by row, of what has not arrived */
  #waiting = new Map();

  /**
   * @param {string} user
   * @param {IDBDatabase | null} database
   */
  constructor(user, database) {
    super();
    this.#user = user;
    this.#database = database;
  }

  /**
   * @param {string} user
   * @returns {Promise<Marks>} in a browser that gives no room, one that needs a connection
   */
  static async open(user) {
    const marks = new Marks(user, await opened().catch(() => null));
    await marks.#look();
    return marks;
  }

  /**
   * A row as it is with what I marked and the server does not know yet.
   * @param {RowData} data
   * @returns {RowData}
   */
  over(data) {
    const waiting = this.#waiting.get(data.id);
    return waiting ? { ...data, ...waiting } : data;
  }

  /** Rows of which the server does not know yet all that I marked. */
  get unsent() {
    return this.#waiting.size;
  }

  /**
   * Whether the server does not know yet all that I marked in a row.
   * @param {string} row
   */
  waits(row) {
    return this.#waiting.has(row);
  }

  /**
   * Mark a row as heard or not, and send it as soon as that can be.
   * @param {string} row
   * @param {boolean} heard
   * @returns {Promise<void>} when it is safely noted
   * @throws {Error} for people, when it can neither be noted nor sent
   */
  async add(row, heard) {
    await this.#note({ row, heard }, (mark) => mark.row === row && mark.heard !== undefined);
  }

  /**
   * Take a row, have done with it, or open it; sent as soon as that can be.
   * @param {string} row
   * @param {Handling} shown how it is to be
   * @param {Handling} seen how it was when I wished that
   * @returns {Promise<void>} when it is safely noted
   * @throws {Error} for people, when it can neither be noted nor sent
   */
  async handle(row, shown, { state, user_id }) {
    await this.#note({ row, handling: { state: shown.state, seen: { state, user_id }, shown } }, () => false);
  }

  /**
   * Send what waits; one tab at a time, and nothing twice. Without a connection it goes on waiting.
   * @throws {api.ApiError} 401
   */
  async send() {
    await navigator.locks.request("aftertone-marks", async () => {
      /** @type {Map<string, Handling | null>} by row, what came of its steps; null: somebody was quicker */
      const came = new Map();
      try {
        for (const mark of await this.#all()) {
          // A step that stood on one that did not happen does not happen either.
          const futile = mark.handling && came.get(mark.row) === null;
          if (!futile && !(await this.#deliver(mark, came))) return;
          await this.#change((store) => store.delete(mark.n));
        }
      } finally {
        await this.#look();
        this.#tell(came);
      }
    });
  }

  /**
   * @param {Omit<Mark, "n" | "user">} mark
   * @param {Map<string, Handling | null>} came
   * @returns {Promise<boolean>} whether it is over with it
   */
  async #deliver(mark, came) {
    try {
      const handling = await send(mark);
      if (handling) came.set(mark.row, handling);
    } catch (error) {
      if (!(error instanceof api.ApiError) || error.status === 401) throw error;
      if (!FUTILE.includes(error.status)) return false;
      if (mark.handling) came.set(mark.row, null);
    }
    return true;
  }

  /** @param {Map<string, Handling | null>} came */
  #tell(came) {
    const lost = [...came].flatMap(([row, handling]) => (handling ? [] : [row]));
    for (const [row, handling] of came) {
      // Of a further step that was made meanwhile the page shows more than the server has told.
      if (handling && !this.#waiting.get(row)?.handling) this.dispatchEvent(new CustomEvent("handled", { detail: { row, handling } }));
    }
    if (lost.length) this.dispatchEvent(new CustomEvent("lost", { detail: lost }));
  }

  /**
   * @param {Omit<Mark, "n" | "user">} mark
   * @param {(mark: Mark) => boolean} replaces
   */
  async #note(mark, replaces) {
    if (!this.#database) {
      await this.#sendNow(mark);
      return;
    }
    const all = await this.#all();
    const before = all.filter(replaces);
    if (all.length - before.length >= MOST) throw new Error(say("marks_full", { n: MOST }));
    await this.#change((store) => {
      for (const { n } of before) store.delete(n);
      store.add({ user: this.#user, ...mark });
    });
    this.#wait(mark);
  }

  /**
   * Where nothing can be noted.
   * @param {Omit<Mark, "n" | "user">} mark
   */
  async #sendNow(mark) {
    try {
      await send(mark);
    } catch (error) {
      if (!mark.handling || !(error instanceof api.ApiError) || !FUTILE.includes(error.status)) throw error;
      setTimeout(() => this.dispatchEvent(new CustomEvent("lost", { detail: [mark.row] }))); // once the page shows it
    }
  }

  /** What waits may have been sent by another tab. */
  async #look() {
    const all = await this.#all();
    this.#waiting.clear();
    for (const mark of all) this.#wait(mark);
  }

  /** @param {Omit<Mark, "n" | "user">} mark */
  #wait({ row, heard, handling }) {
    const told = { ...(heard === undefined ? {} : { heard }), ...(handling ? { handling: handling.shown } : {}) };
    this.#waiting.set(row, { ...this.#waiting.get(row), ...told });
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

/**
 * @param {Omit<Mark, "n" | "user">} mark
 * @returns {Promise<Handling | undefined>} of a step
 */
async function send({ row, heard, handling }) {
  const path = `rows/${encodeURIComponent(row)}`;
  if (handling) return api.put(`${path}/handling`, { state: handling.state, seen: handling.seen });
  await api.put(`${path}/heard`, { heard });
  return undefined;
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
