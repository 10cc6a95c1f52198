/** How far the rows of each filter were fetched from the server, page by page. */

import * as api from "./api.js";
import { EVERYTHING } from "./filters.js";

/** @typedef {import("./api.js").RowData} RowData */

/** Rows of one step down the list. */
export const PAGE = 50;

export class Pages {
  /** @type {Map<string, string | null>} where older rows of each filter go on; null: there are none */
  #next = new Map();

  /** Whether the first rows came. */
  get begun() {
    return this.#next.size > 0;
  }

  /**
   * What the server is asked with for the rows of a filter.
   * @param {import("./filters.js").Filter} filter
   */
  key({ show, mailbox }) {
    return `${show === "all" ? "" : `&show=${show}`}${mailbox ? `&mailbox=${encodeURIComponent(mailbox)}` : ""}`;
  }

  /** @param {string} key */
  ended(key) {
    return this.#next.get(key) === null;
  }

  /**
   * Fetch the newest page of all rows; what was fetched below it stays fetched.
   * @returns {Promise<{rows: RowData[], next: string | null}>}
   */
  async newest() {
    const page = await api.get(`rows?limit=${PAGE}`);
    const key = this.key(EVERYTHING);
    if (!this.#next.has(key)) this.#next.set(key, page.next);
    return page;
  }

  /**
   * Fetch the next older page of a filter; it counts as fetched once `take` has its rows.
   * @param {string} key
   * @param {(rows: RowData[]) => Promise<unknown>} take
   */
  async older(key, take) {
    const next = this.#next.get(key);
    const page = await api.get(`rows?limit=${PAGE}${key}${next ? `&before=${encodeURIComponent(next)}` : ""}`);
    await take(page.rows);
    this.#next.set(key, page.next);
  }
}
