/**
 * Bringing every row into the page while nothing else is to do: the server tells ids and versions, the cache gives
 * what it has of them, and only the rest is fetched and opened.
 */

import * as api from "./api.js";
import { Shelf, newerFirst } from "./shelf.js";

/** @typedef {import("./api.js").RowData} RowData */

/** Rows that are gathered: some 40 MB. Older ones are listed page by page, and not searched. */
export const MOST = 20_000;

/** Rows of one question; the server gives no more. */
const PAGE = 200;

/** Rows opened in one go. Most of it is done beside the page's thread, which a pressed key needs. */
const STEP = 32;

/** Up to so many rows of a page are fetched one by one, else the page as a whole. */
const FEW = 10;

/** Longest wait for an idle moment, in milliseconds: a player that draws its position leaves few. */
const PATIENCE_MS = 400;

/** Fires `progress` after every step. */
export class Gatherer extends EventTarget {
  #shelf;
  #running = false;
  #again = false;
  /** Rows of this user that the server has; null: not told yet. */
  /** @type {number | null} */
  total = null;
  /** Rows looked through so far, of those that are gathered. */
  done = 0;
  /** Whether every row up to MOST is here; stays true while it is looked through again. */
  complete = false;

  /** @param {Shelf} shelf */
  constructor(shelf) {
    super();
    this.#shelf = shelf;
  }

  /** Whether there are rows that are not gathered. */
  get capped() {
    return (this.total ?? 0) > MOST;
  }

  /**
   * Look through all rows; a wish while that is under way has it done once more.
   * @throws {api.ApiError}
   */
  async gather() {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#walk();
      }
    } finally {
      this.#running = false;
    }
  }

  /** Without a connection: what this browser keeps is all there is. */
  async fromCache() {
    const { cache } = this.#shelf;
    const ids = await cache?.ids() ?? [];
    this.total = ids.length;
    for (let at = 0; at < ids.length; at += PAGE) {
      const asked = this.#shelf.ask();
      const kept = await cache?.get(ids.slice(at, at + PAGE)) ?? new Map();
      for (const { data, opened } of kept.values()) this.#shelf.take(data, opened, asked);
      this.#tell(at + PAGE);
    }
    this.complete = true;
    this.#tell(ids.length);
  }

  async #walk() {
    const start = this.#shelf.ask();
    const seen = new Set();
    /** @type {string | null} */
    let before = null;
    do {
      await idle();
      const asked = this.#shelf.ask();
      const from = before === null ? "" : `&before=${encodeURIComponent(before)}`;
      const { rows, next, total } = await api.get(`rows/versions?limit=${PAGE}${from}`);
      this.total = total ?? this.total;
      for (const { id } of rows) seen.add(id);
      await this.#follow(rows, from, asked);
      before = next;
      this.#tell(seen.size);
    } while (before !== null && seen.size < MOST);
    this.#forget(start, seen, before === null);
    this.complete = true;
    this.#tell(seen.size);
    await this.#shelf.store();
  }

  /**
   * Bring rows here that are not, or not as they now are.
   * @param {{id: string, version: string}[]} rows
   * @param {string} from
   * @param {number} asked
   */
  async #follow(rows, from, asked) {
    const versions = new Map(rows.map(({ id, version }) => [id, version]));
    const lacking = () => [...versions].filter(([id, version]) => this.#shelf.get(id)?.data.version !== version).map(([id]) => id);
    const cached = await this.#shelf.cache?.get(lacking()) ?? new Map();
    for (const [id, { data, opened }] of cached) {
      if (data.version === versions.get(id)) this.#shelf.take(data, opened, asked);
    }
    if (lacking().length > FEW) {
      const page = await api.get(`rows?limit=${PAGE}${from}`);
      const wanted = new Set(lacking());
      await this.#open(page.rows.filter((/** @type {RowData} */ row) => wanted.has(row.id)), asked);
      for (const row of page.rows) versions.set(row.id, row.version);
    }
    for (const id of lacking()) {
      const row = await api.get(`rows/${encodeURIComponent(id)}`).catch(missing);
      if (row) await this.#open([row], asked);
    }
  }

  /**
   * @param {RowData[]} rows
   * @param {number} asked
   */
  async #open(rows, asked) {
    for (let at = 0; at < rows.length; at += STEP) {
      await idle();
      await this.#shelf.open(rows.slice(at, at + STEP), asked);
    }
  }

  /**
   * Drop what was here before and was not told of.
   * @param {number} start
   * @param {Set<string>} seen
   * @param {boolean} all down to the oldest row
   */
  #forget(start, seen, all) {
    const last = this.#shelf.all.findLast(({ data }) => seen.has(data.id));
    for (const { data, asked } of this.#shelf.all) {
      if (asked < start && !seen.has(data.id) && (all || (last && newerFirst(data, last.data) < 0))) this.#shelf.drop(data.id);
    }
  }

  /** @param {number} done */
  #tell(done) {
    this.done = done;
    this.dispatchEvent(new Event("progress"));
  }
}

/** @param {unknown} error */
function missing(error) {
  if (error instanceof api.ApiError && error.status === 404) return null;
  throw error;
}

/** @returns {Promise<void>} */
function idle() {
  return new Promise((resolve) => {
    // Safari has no idle moments to give.
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: PATIENCE_MS });
    else setTimeout(resolve, 20);
  });
}
