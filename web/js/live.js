/**
 * What the server tells, once per browser: one tab holds the event stream (Web Locks), the others listen to it
 * (BroadcastChannel). When the holder closes, the next tab takes over.
 */

/** @typedef {{kind: "row" | "status" | "missed" | "connection" | "asks", row_id?: string, mailbox_id?: string,
 *   recording?: boolean, pbx?: string, connected?: boolean}} Piece */

/** Waits between attempts: doubled up to the last, with a random share so that many pages do not return at once. */
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 30_000;

/** Fires `news` (detail: Piece) in every tab. */
export class Live extends EventTarget {
  #channel = new BroadcastChannel("aftertone-live");
  #connected = false;
  #holds = false;
  /** @type {EventSource | null} */
  #source = null;
  #wait = FIRST_WAIT_MS;
  #timer = 0;
  #ended = false;

  /** Begin: hold the stream, or wait in line for it while listening to whoever does. */
  start() {
    this.#channel.onmessage = (event) => this.#heard(/** @type {Piece} */ (event.data));
    this.#channel.postMessage({ kind: "asks" });
    addEventListener("online", () => this.#again());
    void navigator.locks.request("aftertone-live", () => new Promise(() => {
      this.#holds = true;
      this.#open();
    }));
  }

  /** End: no news and no attempts any more. */
  stop() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#channel.close();
  }

  #open() {
    if (this.#ended) return;
    const source = new EventSource("/api/v1/events");
    this.#source = source;
    source.onopen = () => {
      const again = this.#wait !== FIRST_WAIT_MS;
      this.#wait = FIRST_WAIT_MS;
      this.#tell({ kind: "connection", connected: true });
      if (again) this.#tell({ kind: "missed" });
    };
    // The browser's own retry gives up after an error status and never backs off, so each failure ends its stream.
    source.onerror = () => this.#failed(source);
    for (const kind of /** @type {const} */ (["row", "status", "missed"])) {
      source.addEventListener(kind, (event) => this.#tell({ kind, ...parsed(event.data) }));
    }
  }

  /** @param {EventSource} source */
  #failed(source) {
    source.close();
    if (this.#source !== source) return;
    this.#source = null;
    this.#tell({ kind: "connection", connected: false });
    this.#timer = window.setTimeout(() => this.#open(), this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LAST_WAIT_MS);
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
