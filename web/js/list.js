/** `<call-list>`: which rows stand there, newest first, and how more of them come. */

import * as api from "./api.js";
import { Cache } from "./cache.js";
import { h } from "./dom.js";
import { EVERYTHING } from "./filters.js";
import { Gatherer, MOST } from "./gather.js";
import { Hand } from "./hand.js";
import { Keyring } from "./keyring.js";
import { look } from "./look.js";
import { Marks } from "./marks.js";
import { nothing } from "./nothing.js";
import { PAGE, Pages } from "./pages.js";
import { play } from "./play.js";
import { NotePlayer } from "./player.js";
import { Sheet } from "./sheet.js";
import { Shelf, newerFirst } from "./shelf.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").RowData} RowData
 * @typedef {import("./shelf.js").Entry} Entry
 * @typedef {import("./filters.js").Filter} Filter
 * @typedef {import("./filters.js").Show} Show
 * @typedef {import("./search.js").Query} Query
 * @typedef {{found: number, known: number, complete: boolean, capped: boolean, done: number, total: number | null,
 *   counts: Record<Show, number>}} View found: rows that fit; counts: how many would under each filter, of those known
 */

/** Rows that are drawn at once for a key: a window full. More follow when there is room below. */
const FIRST = 20;

/** Fires `fresh` (detail: who called) for a row that is new, `trouble` (detail: error) when a request failed, and
 * `view` (detail: View) when what is found has changed. */
export class CallList extends HTMLElement {
  #keyring = /** @type {Keyring} */ (/** @type {unknown} */ (null)); // these four: from `begin` on
  #shelf = /** @type {Shelf} */ (/** @type {unknown} */ (null));
  #gatherer = /** @type {Gatherer} */ (/** @type {unknown} */ (null));
  #sheet = /** @type {Sheet} */ (/** @type {unknown} */ (null));
  /** @type {NotePlayer | null} */
  #player = null;
  #print = "";
  /** @type {Filter} */
  #filter = EVERYTHING;
  /** @type {Query} */
  #query = [];
  #most = PAGE;
  #pages = new Pages();
  #more = h("button", { type: "button", class: "quiet" }, say("older"));
  #foot = h("div", { class: "older", hidden: true }, this.#more);
  #watch = new IntersectionObserver(([seen]) => {
    if (seen?.isIntersecting) this.#try(() => this.#older());
  }, { rootMargin: "600px 0px" });
  /** @type {Map<string, Promise<void>>} */
  #fetching = new Map();
  /** Rows that stayed for a hand's sake go when it has gone. */
  #hand = new Hand(this, () => {
    if (this.#lingers) this.#arrange();
  });
  /** Whether a row stands that no longer fits. */
  #lingers = false;

  /**
   * @param {Keyring} keyring
   * @param {NotePlayer} player
   * @param {string} print the fingerprint of my own key
   * @param {Marks} marks
   */
  begin(keyring, player, print, marks) {
    this.#print = print;
    this.#keyring = keyring;
    this.#player = player;
    this.#sheet = new Sheet(this, keyring, player);
    this.#shelf = new Shelf(keyring);
    this.#shelf.marks = marks;
    this.#gatherer = new Gatherer(this.#shelf);
    this.#gatherer.addEventListener("progress", () => this.#arrange());
    this.addEventListener("play-note", (event) => {
      const wish = /** @type {CustomEvent<import("./play.js").Wish>} */ (event).detail;
      const entry = this.#shelf.of(wish.id);
      if (entry) this.#try(() => play(player, keyring, entry, wish));
    });
    this.addEventListener("mark", (event) => this.#try(() => this.#mark(/** @type {CustomEvent} */ (event).detail)));
    player.addEventListener("state", (event) => {
      const state = /** @type {CustomEvent} */ (event).detail;
      this.#sheet.follow(state);
      if (this.#lingers && !state.playing) this.#arrange();
    });
    player.addEventListener("opened", (event) => this.#learn(/** @type {CustomEvent} */ (event).detail));
    player.addEventListener("began", (event) => {
      const entry = this.#shelf.of(/** @type {CustomEvent<string>} */ (event).detail);
      if (entry && !entry.data.heard) this.#try(() => this.#mark({ id: entry.data.id, heard: true }));
    });
    this.#more.addEventListener("click", () => this.#try(() => this.#older()));
    this.#watch.observe(this.#foot);
  }

  /**
   * Show what fits, and nothing else.
   * @param {Filter} filter
   * @param {Query} query
   */
  find(filter, query) {
    // Also for the key that takes the last word away.
    this.#most = query.length || this.#query.length ? FIRST : PAGE;
    this.#filter = filter;
    this.#query = query;
    this.#sheet.shown = [];
    if (!this.#begun) return;
    this.#arrange();
    this.#lookAgain();
  }

  /** Fetch the newest page; what is shown already is changed in place. */
  async refresh() {
    const asked = this.#shelf.ask();
    const newest = this.#shelf.all[0]?.data;
    const begun = this.#begun;
    const { rows, next } = await this.#pages.newest();
    const fresh = await this.#shelf.open(rows, asked);
    const last = /** @type {RowData | undefined} */ (rows.at(-1));
    const here = new Set(rows.map((/** @type {RowData} */ row) => row.id));
    for (const { data, asked: told } of this.#shelf.all) {
      // A row of the page's span that the server no longer tells of is gone.
      if (told < asked && !here.has(data.id) && (!next || (last && newerFirst(data, last) < 0))) this.#shelf.drop(data.id);
    }
    this.#arrange();
    // What came while nobody was told, as between the page's first look and its stream's begin.
    if (begun) this.#announce(fresh.filter(({ data }) => !newest || newerFirst(data, newest) < 0).reverse());
  }

  /** @param {Entry[]} fresh */
  #announce(fresh) {
    for (const entry of fresh) {
      entry.element?.classList.add("fresh");
      this.dispatchEvent(new CustomEvent("fresh", { detail: entry.who.words }));
    }
  }

  /**
   * Bring all rows into the page when it has nothing else to do, from this browser's cache where they are there.
   * @param {import("./api.js").Me} me kept there too
   */
  async gather(me) {
    this.#shelf.cache ??= await Cache.open(me.user.id);
    void this.#shelf.cache?.keepSelf(me);
    await this.#gatherer.gather();
  }

  /**
   * Show what this browser keeps: there is no connection.
   * @param {string} user
   */
  async showKept(user) {
    this.#shelf.cache ??= await Cache.open(user);
    await this.#gatherer.fromCache();
  }

  /**
   * Fetch one row again, or for the first time; a second wish while one is under way waits for a fetch of its own.
   * @param {string} id
   */
  async update(id) {
    const before = this.#fetching.get(id) ?? Promise.resolve();
    const work = before.then(() => this.#fetchRow(id));
    const settled = work.catch(() => undefined);
    this.#fetching.set(id, settled);
    try {
      await work;
    } finally {
      if (this.#fetching.get(id) === settled) this.#fetching.delete(id);
    }
  }

  /**
   * The row of a note.
   * @param {string} noteId
   */
  entryOf(noteId) {
    return this.#shelf.of(noteId);
  }

  /** The rows that are found now, opened as far as they can be. */
  get foundEntries() {
    return this.#look().found;
  }

  /** All rows that the page knows, newest first. */
  get entries() {
    return this.#shelf.all;
  }

  /** How much of all that there is the page knows. */
  get reading() {
    return { complete: this.#gatherer.complete, capped: this.#gatherer.capped };
  }

  /**
   * Call everybody as the address book now has it. What plays goes on, in its place.
   * @param {import("./book/names.js").Names} names
   */
  rename(names) {
    for (const entry of this.#shelf.rename(names)) this.#sheet.drawAnew(entry);
    if (this.#begun) this.#arrange();
  }

  /** Until the first rows come, those that the server wrote stand. */
  get #begun() {
    return this.#pages.begun || this.#gatherer.complete;
  }

  /** The rows that are found now, also those further down than what is drawn. */
  get found() {
    return this.#look().found.map(({ data }) => data.id);
  }

  /**
   * Show rows as deleted or brought back; the server has done it already.
   * @param {string[]} ids
   * @param {string | null} at
   */
  setDeleted(ids, at) {
    const { held } = this.#sheet;
    for (const id of ids) {
      const entry = this.#shelf.get(id);
      if (!entry) continue;
      entry.data.deleted_at = at;
      this.#sheet.drawAnew(entry);
    }
    this.#arrange();
    // The keyboard goes on where the row was.
    const next = this.#sheet.shown[Math.min(held, this.#sheet.shown.length - 1)]?.element;
    if (held >= 0 && !this.contains(document.activeElement)) (next ?? this.closest("main"))?.focus({ preventScroll: true });
    this.#lookAgain();
  }

  /**
   * Forget the rows of mailboxes that are not mine any more.
   * @param {{id: string}[]} mine
   */
  keepOnly(mine) {
    const ids = new Set(mine.map(({ id }) => id));
    for (const { data } of this.#shelf.all) if (!ids.has(data.mailbox_id)) this.#shelf.drop(data.id);
    this.#arrange();
  }

  /**
   * What is known of a row.
   * @param {string} id
   */
  entry(id) {
    return this.#shelf.get(id);
  }

  /**
   * Show how far a row is.
   * @param {string} id
   * @param {import("./api.js").Handling} handling
   */
  setHandling(id, handling) {
    const entry = this.#shelf.get(id);
    if (!entry) return;
    entry.data.handling = handling;
    this.#sheet.drawAnew(entry);
    this.#arrange();
  }

  /** Open every row again: keys came or changed. */
  async reopen() {
    await this.#shelf.reopen();
    this.#arrange();
  }

  /** @param {string} id */
  async #fetchRow(id) {
    try {
      const asked = this.#shelf.ask();
      const fresh = await this.#shelf.open([await api.get(`rows/${encodeURIComponent(id)}`)], asked);
      this.#arrange();
      this.#announce(fresh);
    } catch (error) {
      if (!(error instanceof api.ApiError) || error.status !== 404) throw error;
      this.#shelf.drop(id);
      this.#arrange();
    }
  }

  /** The next step down: of what is in the page, else from the server. */
  async #older() {
    if (this.#look().found.length <= this.#most) {
      const key = this.#pages.key(this.#filter);
      // Whatever is sought is found while all rows are gathered: the server is not asked.
      if (this.#more.disabled || this.#query.length || this.#ended(key)) return;
      this.#more.disabled = true;
      try {
        const asked = this.#shelf.ask();
        await this.#pages.older(key, (rows) => this.#shelf.open(rows, asked));
      } finally {
        this.#more.disabled = false;
      }
    }
    const before = this.#sheet.shown.length;
    const keyed = document.activeElement === this.#more;
    this.#most = Math.min(this.#most, this.#look().found.length) + PAGE;
    this.#arrange();
    // The button goes on with its reader: to the first of the rows that it brought.
    if (keyed && this.#foot.hidden) this.#sheet.shown[before]?.element?.focus({ preventScroll: true });
    this.#lookAgain();
  }

  /** An observer tells of changes alone; what came may not have filled the window. */
  #lookAgain() {
    this.#watch.unobserve(this.#foot);
    this.#watch.observe(this.#foot);
  }

  /** @param {string} key */
  #ended(key) {
    return (this.#gatherer.complete && !this.#gatherer.capped) || this.#pages.ended(key);
  }

  /** @param {() => Promise<void>} work */
  #try(work) {
    work().catch((error) => this.dispatchEvent(new CustomEvent("trouble", { detail: error })));
  }

  #look() {
    const standing = new Set(this.#sheet.shown.map(({ data }) => data.id));
    const seen = look(this.#shelf.all, this.#filter, this.#query, (entry) => standing.has(entry.data.id) && this.#inHand(entry));
    this.#lingers = seen.lingers;
    return seen;
  }

  /** @param {Entry} entry */
  #inHand({ data, element }) {
    const plays = this.#player?.state.id;
    return this.#hand.pointing || element?.contains(document.activeElement) || data.notes.some((note) => note.id === plays);
  }

  /** Let stand what is found now, and tell how much that is. */
  #arrange() {
    const { found, counts, unheard } = this.#look();
    const shown = found.slice(0, this.#most);
    this.#foot.hidden = found.length <= this.#most && (this.#query.length > 0 || this.#ended(this.#pages.key(this.#filter)));
    this.#sheet.lay(shown, shown.length ? [this.#foot] : [this.#nothing(), this.#foot], this.#shelf.all);
    document.title = unheard ? say("unheard_title", { n: unheard }) : "Aftertone";
    this.#tell(found.length, counts);
  }

  /**
   * @param {number} found
   * @param {Record<Show, number>} counts
   */
  #tell(found, counts) {
    const { complete, capped, done, total } = this.#gatherer;
    /** @type {View} */
    const view = { found, known: this.#shelf.size, complete, capped, done, total: total === null ? null : Math.min(total, MOST), counts };
    this.dispatchEvent(new CustomEvent("view", { detail: view }));
  }

  #nothing() {
    const looking = this.#query.length ? !this.#gatherer.complete : !this.#ended(this.#pages.key(this.#filter));
    return nothing({
      waits: this.#keyring.waits, print: this.#print, filter: this.#filter, sought: this.#query.length > 0, looking,
      clear: () => this.dispatchEvent(new CustomEvent("clear")),
    });
  }

  /** @param {{id: string, seconds: number, peaks: Uint8Array}} told */
  #learn({ id, seconds, peaks }) {
    const entry = this.#shelf.of(id);
    const note = entry?.opened.notes.get(id);
    if (!entry || !note) return;
    Object.assign(note, { seconds, peaks });
    this.#sheet.drawAnew(entry);
  }

  /** @param {{id: string, heard: boolean}} mark */
  async #mark({ id, heard }) {
    const entry = this.#shelf.get(id);
    if (!entry) return;
    await this.#shelf.marks?.add(id, heard);
    const now = this.#shelf.get(id) ?? entry;
    now.data.heard = heard;
    this.#sheet.drawAnew(now);
    this.#arrange();
    await this.#shelf.marks?.send();
  }
}

customElements.define("call-list", CallList);
