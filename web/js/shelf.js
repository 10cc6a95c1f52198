/** All rows that the page knows, in memory and newest first; opened ones go into the cache. It draws nothing. */

import { Cache } from "./cache.js";
import { Keyring } from "./keyring.js";
import { Names } from "./book/names.js";
import { CallRow } from "./row.js";
import { alike, hayOf, whoOf } from "./who.js";

/**
 * @typedef {import("./api.js").RowData} RowData
 * @typedef {import("./keyring.js").OpenedRow} OpenedRow
 * @typedef {import("./search.js").Haystack} Haystack
 * @typedef {import("./who.js").Who} Who
 * @typedef {{data: RowData, opened: OpenedRow, who: Who, hay: Haystack, asked: number, element: CallRow | null, drawn: boolean}} Entry
 *   asked: which question told of it; element: while it is shown; drawn: it shows what is here
 */

export class Shelf {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Entry[] | null} */
  #sorted = null;
  #keyring;
  /** Questions put to the server so far: an answer never overwrites what a later one has told. */
  #asked = 0;
  #names = new Names([]);
  /** @type {Cache | null} */
  cache = null;
  /** @type {import("./marks.js").Marks | null} */
  marks = null;

  /** @param {Keyring} keyring */
  constructor(keyring) {
    this.#keyring = keyring;
  }

  /** The number of a question that is put now. */
  ask() {
    return ++this.#asked;
  }

  get size() {
    return this.#entries.size;
  }

  /** @param {string} id */
  get(id) {
    return this.#entries.get(id);
  }

  /** Newest first. */
  get all() {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => newerFirst(a.data, b.data));
    return this.#sorted;
  }

  /**
   * Open rows and put them here.
   * @param {RowData[]} rows
   * @param {number} asked
   * @returns {Promise<Entry[]>} those that were not here before
   */
  async open(rows, asked) {
    const opened = await Promise.all(rows.map((row) => this.#keyring.openRow(row)));
    const before = rows.map(({ id }) => this.#entries.get(id));
    const taken = rows.map((data, i) => this.take(data, /** @type {OpenedRow} */ (opened[i]), asked));
    const here = taken.flatMap((entry, i) => (entry ? [{ entry, was: before[i] }] : []));
    // Not waited for: whoever looks at the list need not.
    void this.cache?.put(here.filter(({ entry, was }) => this.#keeps(entry) && !(was && settled(was) && was.data.version === entry.data.version))
      .map(({ entry }) => entry));
    return here.filter(({ was }) => !was).map(({ entry }) => entry);
  }

  /**
   * @param {RowData} data
   * @param {OpenedRow} opened
   * @param {number} asked
   * @returns {Entry | null} null when something newer is here
   */
  take(data, opened, asked) {
    const known = this.#entries.get(data.id);
    if (known && known.asked > asked) return null;
    data = this.marks?.over(data) ?? data;
    const who = whoOf(opened, this.#names);
    /** @type {Entry} */
    const entry = { data, opened, who, hay: hayOf(who, opened), asked, element: known?.element ?? null, drawn: false };
    // What is opened for good is not needed sealed; of very many rows that is most.
    if (settled(entry)) entry.data = { ...data, sealed: "", notes: data.notes.map((note) => ({ ...note, meta: [], peaks: [] })) };
    this.#entries.set(data.id, entry);
    this.#sorted = null;
    return entry;
  }

  /**
   * Whether a row goes into the cache: what I marked and the server does not know is no part of its version.
   * @param {Entry} entry
   */
  #keeps(entry) {
    return settled(entry) && !this.marks?.waits(entry.data.id);
  }

  /**
   * Call everybody as the address book now has it.
   * @param {Names} names
   * @returns {Entry[]} those that show something else now
   */
  rename(names) {
    this.#names = names;
    return this.all.filter((entry) => {
      const who = whoOf(entry.opened, names);
      const changed = !alike(entry.who, who);
      entry.who = who; // also when it shows the same: the contact is another object
      if (changed) entry.hay = hayOf(who, entry.opened);
      return changed;
    });
  }

  /** Let the cache hold what is here and nothing else; it may have been thrown away meanwhile. */
  async store() {
    const here = await this.cache?.prune((id) => this.#entries.has(id));
    if (here) await this.cache?.put(this.all.filter((entry) => this.#keeps(entry) && !here.has(entry.data.id)));
  }

  /** Open again what was not: keys came or changed. Each as old as it was: what comes meanwhile stands. */
  async reopen() {
    await Promise.all(this.all.filter((entry) => !settled(entry)).map(({ data, asked }) => this.open([data], asked)));
    for (const entry of this.all) entry.drawn = false; // whether its mailbox is private may be news as well
  }

  /** @param {string} id */
  drop(id) {
    if (this.#entries.delete(id)) this.#sorted = null;
  }

  /** @param {string} noteId */
  of(noteId) {
    return this.all.find(({ data }) => data.notes.some((note) => note.id === noteId));
  }
}

/**
 * Whether a row is opened as far as it ever will be.
 * @param {{data: RowData, opened: OpenedRow}} row
 */
function settled({ data, opened }) {
  return opened.call !== null && data.notes.every((note) => note.state === "kept" && opened.notes.has(note.id));
}

/**
 * The order of the list and of the server's cursor: received_at, then id, newest first.
 * @param {RowData} a
 * @param {RowData} b
 */
export function newerFirst(a, b) {
  if (a.received_at !== b.received_at) return a.received_at < b.received_at ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}
