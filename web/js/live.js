/**
 * What the server tells, once per browser: one tab holds the event stream (Web Locks), the others listen to it
 * (BroadcastChannel). When the holder closes, the next tab takes over. A browser whose stream gave way to one of too many
 * others asks now and then, until somebody looks at it again.
 */

/** @typedef {{kind: "row" | "status" | "missed" | "connection" | "asks" | "looked", row_id?: string, mailbox_id?: string,
 *   recording?: boolean, pbx?: string, connected?: boolean}} Piece */

/** Waits between attempts: doubled up to the last, with a random share so that many pages do not return at once. */
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 30_000;

/** A stream that stood so long is a good one: after its end the first wait is short again. */
const STEADY_MS = 30_000;

/** Between two looks of a browser without a stream of its own. */
const POLL_MS = 60_000;

/** Fires `news` (detail: Piece) in every tab. */
export class Live extends EventTarget {
  #channel = new BroadcastChannel("aftertone-live");
  #connected = false;
  #holds = false;
  /** @type {EventSource | null} */
  #source = null;
  #wait = FIRST_WAIT_MS;
  /** Until the next attempt, or the next look. */
  #timer = 0;
  /** Whether no more is wanted. */
  #ended = false;
  #steady = 0;
  /** Whether the last stream ended: something may have been missed since. */
  #missed = false;
  /** Whether it gave way to others. */
  #full = false;

  /** Begin: hold the stream, or wait in line for it while listening to whoever does. */
  start() {
    this.#channel.onmessage = (event) => this.#heard(/** @type {Piece} */ (event.data));
    this.#channel.postMessage({ kind: "asks" });
    addEventListener("online", () => this.#again());
    addEventListener("focus", () => this.#looked());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#looked();
    });
    void navigator.locks.request("aftertone-live", () => new Promise(() => {
      this.#holds = true;
      this.#open();
    }));
  }

  /** End: no news and no attempts any more. */
  stop() {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#steady);
    this.#full = false;
    this.#source?.close();
    this.#source = null;
    this.#channel.close();
  }

  #open() {
    if (this.#ended) return;
    const source = new EventSource("/api/v1/events");
    this.#source = source;
    this.#full = false;
    source.onopen = () => {
      this.#steady = window.setTimeout(() => (this.#wait = FIRST_WAIT_MS), STEADY_MS);
      this.#tell({ kind: "connection", connected: true });
      if (this.#missed) this.#tell({ kind: "missed" });
      this.#missed = false;
    };
    // The browser's own retry gives up after an error status and never backs off, so each failure ends its stream.
    source.onerror = () => this.#failed(source);
    source.addEventListener("full", () => this.#gaveWay(source));
    for (const kind of /** @type {const} */ (["row", "status", "missed"])) {
      source.addEventListener(kind, (event) => this.#tell({ kind, ...parsed(event.data) }));
    }
  }

  /** @param {EventSource} source */
  #failed(source) {
    if (!this.#end(source)) return;
    this.#tell({ kind: "connection", connected: false });
    this.#timer = window.setTimeout(() => this.#open(), this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LAST_WAIT_MS);
  }

  /** @param {EventSource} source */
  #gaveWay(source) {
    if (!this.#end(source)) return;
    this.#full = true;
    this.#poll();
  }

  #poll() {
    this.#timer = window.setTimeout(() => {
      this.#tell({ kind: "missed" });
      this.#poll();
    }, POLL_MS);
  }

  /**
   * Whether this was the stream.
   * @param {EventSource} source
   */
  #end(source) {
    source.close();
    if (this.#source !== source) return false;
    this.#source = null;
    this.#missed = true;
    clearTimeout(this.#steady);
    return true;
  }

  /** Somebody looks at one of the tabs: whichever holds the place for the stream may take one again. */
  #looked() {
    if (this.#ended) return;
    this.#channel.postMessage({ kind: "looked" });
    this.#heard({ kind: "looked" });
  }

  #again() {
    if (!this.#holds || this.#source) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  /** @param {Piece} piece */
  #tell(piece) {
    this.#channel.postMessage(piece);
    this.#heard(piece);
  }

  /** @param {Piece} piece */
  #heard(piece) {
    if (piece.kind === "asks") {
      if (this.#holds) this.#channel.postMessage({ kind: "connection", connected: this.#connected });
      return;
    }
    if (piece.kind === "looked") {
      if (this.#full) this.#again();
      return;
    }
    if (piece.kind === "connection") this.#connected = piece.connected === true;
    this.dispatchEvent(new CustomEvent("news", { detail: piece }));
  }
}

/**
 * @param {string} data
 * @returns {object}
 */
function parsed(data) {
  try {
    const value = JSON.parse(data);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
