/**
 * Rows that were opened once, kept in IndexedDB so that the next visit need not fetch and open them again. Each is
 * sealed with AES-GCM under a key of this device that no script can read; padded, so that its length tells little.
 * Only a cache: where anything does not open it is thrown away, and built anew from the server.
 */

import { asked, done, found } from "./database.js";
import { seal, unseal } from "./locked.js";
import { fromBase64url, toBase64url } from "./seal/bytes.js";

/**
 * @typedef {import("./api.js").RowData} RowData
 * @typedef {import("./keyring.js").OpenedRow} OpenedRow
 * @typedef {{data: RowData, opened: OpenedRow}} Kept
 * @typedef {{id: string, key: CryptoKey}} DeviceKey
 */

const NAME = "aftertone-rows";
const KEYS = "keys";
const ROWS = "rows";
const SELVES = "selves";
const FORM = 2;

export class Cache {
  #user;
  #database;

  /**
   * @param {string} user
   * @param {IDBDatabase} database
   */
  constructor(user, database) {
    this.#user = user;
    this.#database = database;
    database.onversionchange = () => database.close();
  }

  /**
   * @param {string} user
   * @returns {Promise<Cache | null>} null where the browser gives no room: then every visit begins anew
   */
  static async open(user) {
    try {
      const cache = new Cache(user, await opened());
      await cache.#renew((found) => !isDeviceKey(found));
      return cache;
    } catch {
      return null;
    }
  }

  /**
   * What is kept of these rows.
   * @param {string[]} ids
   * @returns {Promise<Map<string, Kept>>} empty when anything of it does not open
   */
  async get(ids) {
    /** @type {Map<string, Kept>} */
    const found = new Map();
    try {
      const { device, sealed } = await this.#read(ids);
      if (!device) return found;
      try {
        await Promise.all(ids.map(async (id, i) => {
          const bytes = sealed[i];
          if (bytes !== undefined) found.set(id, await this.#opened(device.key, id, bytes));
        }));
      } catch {
        found.clear();
        await this.#renew((now) => !isDeviceKey(now) || now.id === device.id);
      }
    } catch {
      found.clear();
    }
    return found;
  }

  /**
   * Keep rows. Nothing is written after a log-out, nor under a key that another tab has thrown away.
   * @param {Kept[]} rows
   */
  async put(rows) {
    if (!rows.length) return;
    try {
      const { device } = await this.#read([]);
      if (!device) return;
      const sealed = await Promise.all(rows.map(async (row) => ({ id: row.data.id, bytes: await this.#sealed(device.key, row) })));
      await this.#change((keys, store) => asked(keys.get(this.#user), (now) => {
        if (!isDeviceKey(now) || now.id !== device.id) return;
        for (const { id, bytes } of sealed) store.put(bytes, [this.#user, id]);
      }));
    } catch {
      // No room: the rows are in memory, and the next visit fetches them again.
    }
  }

  /**
   * Keep who I am and what I may read, for a visit without a connection.
   * @param {import("./api.js").Me} me
   */
  async keepSelf(me) {
    try {
      const { device } = await this.#read([]);
      if (!device) return;
      const bytes = await seal(device.key, this.#place("self"), { form: FORM, me: { ...me, csrf: "" } });
      await this.#change((keys, _rows, selves) => asked(keys.get(this.#user), (now) => {
        if (isDeviceKey(now) && now.id === device.id) selves.put(bytes, this.#user);
      }));
    } catch {
      // No room: without a connection this browser then has nothing to show.
    }
  }

  /** @returns {Promise<import("./api.js").Me | null>} as of the last visit with a connection */
  async self() {
    try {
      const { device } = await this.#read([]);
      const bytes = await found(this.#database.transaction(SELVES).objectStore(SELVES).get(this.#user));
      if (!device) return null;
      const { form, me } = await unseal(device.key, this.#place("self"), bytes);
      return form === FORM ? me : null;
    } catch {
      return null;
    }
  }

  /** @returns {Promise<string[]>} ids of all rows that are kept */
  async ids() {
    try {
      const keys = await found(this.#database.transaction(ROWS).objectStore(ROWS).getAllKeys(this.#mine));
      return /** @type {[string, string][]} */ (keys).map(([, id]) => id);
    } catch {
      return [];
    }
  }

  /**
   * Forget all rows but some.
   * @param {(id: string) => boolean} stays
   * @returns {Promise<Set<string> | null>} which are kept; null when that cannot be told
   */
  async prune(stays) {
    /** @type {Set<string>} */
    const here = new Set();
    try {
      await this.#change((_keys, store) => asked(store.getAllKeys(this.#mine), (all) => {
        for (const key of /** @type {[string, string][]} */ (all)) {
          if (stays(key[1])) here.add(key[1]);
          else store.delete(key);
        }
      }));
      return here;
    } catch {
      // What is left is not shown: a row is read only when the server tells of it.
      return null;
    }
  }

  get #mine() {
    return IDBKeyRange.bound([this.#user], [this.#user, []]);
  }

  /** @param {string[]} ids */
  #read(ids) {
    const transaction = this.#database.transaction([KEYS, ROWS], "readonly");
    const key = transaction.objectStore(KEYS).get(this.#user);
    const rows = ids.map((id) => transaction.objectStore(ROWS).get([this.#user, id]));
    return done(transaction, () => ({
      device: isDeviceKey(key.result) ? key.result : null,
      sealed: rows.map(({ result }) => /** @type {unknown} */ (result)),
    }));
  }

  /** @param {(keys: IDBObjectStore, rows: IDBObjectStore, selves: IDBObjectStore) => void} work */
  #change(work) {
    const transaction = this.#database.transaction([KEYS, ROWS, SELVES], "readwrite");
    work(transaction.objectStore(KEYS), transaction.objectStore(ROWS), transaction.objectStore(SELVES));
    return done(transaction, () => undefined);
  }

  /**
   * Make a new key and forget what was sealed under the old one.
   * @param {(found: unknown) => boolean} bad asked in the same transaction: two tabs may both find it so
   */
  async #renew(bad) {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const fresh = { id: crypto.randomUUID(), key };
    await this.#change((keys, rows, selves) => asked(keys.get(this.#user), (found) => {
      if (wiped || !bad(found)) return;
      rows.delete(this.#mine);
      selves.delete(this.#user);
      keys.put(fresh, this.#user);
    }));
  }

  /**
   * @param {CryptoKey} key
   * @param {Kept} row
   */
  async #sealed(key, { data, opened }) {
    const notes = [...opened.notes].map(([id, note]) => [id, { ...note, peaks: toBase64url(new Uint8Array(note.peaks)) }]);
    return seal(key, this.#place(data.id), { form: FORM, data, call: opened.call, notes });
  }

  /**
   * @param {CryptoKey} key
   * @param {string} id
   * @param {unknown} bytes
   * @returns {Promise<Kept>}
   */
  async #opened(key, id, bytes) {
    const { form, data, call, notes } = await unseal(key, this.#place(id), bytes);
    if (form !== FORM) throw new TypeError("a row of another version of this page");
    const opened = new Map(notes.map((/** @type {[string, any]} */ [note, told]) => [note, { ...told, peaks: fromBase64url(told.peaks) }]));
    return { data, opened: { call, problem: null, notes: opened } };
  }

  /**
   * A row opens in its own place alone.
   * @param {string} id
   */
  #place(id) {
    return new TextEncoder().encode(`aftertone row ${this.#user} ${id}`);
  }
}

/**
 * Whose rows this browser keeps.
 * @returns {Promise<string | null>} null for nobody's, and where several people's are: only the server can tell who asks
 */
export async function lastUser() {
  const database = await opened();
  try {
    const users = await found(database.transaction(SELVES).objectStore(SELVES).getAllKeys());
    return users.length === 1 ? String(users[0]) : null;
  } finally {
    database.close();
  }
}

/** Whether this page has forgotten all: what was still on its way into the cache must not bring anything back. */
let wiped = false;

/** Forget every row and key of this browser; this page keeps nothing from here on. */
export async function wipe() {
  wiped = true;
  const database = await opened();
  try {
    const transaction = database.transaction([KEYS, ROWS, SELVES], "readwrite");
    for (const name of [KEYS, ROWS, SELVES]) transaction.objectStore(name).clear();
    await done(transaction, () => undefined);
  } finally {
    database.close();
  }
}

/**
 * @param {unknown} found
 * @returns {found is DeviceKey}
 */
function isDeviceKey(found) {
  if (typeof found !== "object" || found === null || !("key" in found) || !("id" in found)) return false;
  const { id, key } = found;
  return typeof id === "string" && key instanceof CryptoKey && !key.extractable && key.algorithm.name === "AES-GCM";
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 2);
    request.onupgradeneeded = () => {
      for (const name of [KEYS, ROWS, SELVES]) {
        if (!request.result.objectStoreNames.contains(name)) request.result.createObjectStore(name);
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
