/** The waveform, which is also the slider: drawn from peaks, moved by pointer and by keyboard. */

import { svg } from "./dom.js";
import { STEP_S } from "./shortcuts.js";
import { spoken } from "./when.js";
import { say } from "./words.js";

/** Width of a bar and the gap after it, in CSS pixels. */
const BAR = 3;
const GAP = 2;

/** What arrow keys and page keys move, in seconds. */
const STEP = {
  ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S, PageDown: -3 * STEP_S, PageUp: 3 * STEP_S,
};

/**
 * What a waveform shows: peaks, one byte per 100 ms (none draws a flat line); what is lost inside and at the end; what
 * is passed over.
 * @typedef {import("./silence.js").Span} Span
 * @typedef {{seconds: number, peaks: Uint8Array, gaps: Span[], skipped: Span[], cutOff: boolean}} Shape
 */

/**
 * `<wave-form>`. Fires `seek` (detail: seconds), `step` (detail: seconds from here) and `toggle` (Enter or space).
 * Reachable by keyboard only while `active`: a list of fifty notes must not be a hundred tab stops.
 */
export class WaveForm extends HTMLElement {
  /** @type {Shape} */
  #shape = { seconds: 0, peaks: new Uint8Array(0), gaps: [], skipped: [], cutOff: false };
  #at = 0;
  #active = false;
  /** @type {string[]} empty where a piece is lost */
  #bars = [];
  #reached = 0;
  #skip = svg("path", { class: "skip" });
  #all = svg("path", { class: "all" });
  #past = svg("path", { class: "past" });
  #lost = svg("path", { class: "lost" });
  #resized = new ResizeObserver(() => this.#draw());

  connectedCallback() {
    if (!this.firstChild) {
      this.append(svg("svg", { "aria-hidden": "true" }, this.#skip, this.#all, this.#past, this.#lost));
      this.addEventListener("pointerdown", (event) => this.#grab(event));
      this.addEventListener("click", (event) => this.#click(event));
      this.addEventListener("keydown", (event) => this.#key(event));
    }
    this.#resized.observe(this);
  }

  disconnectedCallback() {
    this.#resized.disconnect();
  }

  /** @param {Shape} shape */
  show(shape) {
    this.#shape = shape;
    this.setAttribute("aria-valuemin", "0");
    this.setAttribute("aria-valuemax", shape.seconds.toFixed(1));
    this.#draw();
  }

  /** @param {number} seconds */
  set at(seconds) {
    const all = this.#shape.seconds;
    this.#at = Math.min(Math.max(0, seconds), all);
    const reached = Math.round((all > 0 ? this.#at / all : 0) * this.#bars.length);
    if (reached !== this.#reached) this.#past.setAttribute("d", this.#bars.slice(0, reached).join(""));
    this.#reached = reached;
    const now = this.#at.toFixed(1);
    if (this.getAttribute("aria-valuenow") === now && this.hasAttribute("aria-valuetext")) return;
    this.setAttribute("aria-valuenow", now);
    this.setAttribute("aria-valuetext", say("position_of", { at: spoken(this.#at), all: spoken(all) }));
  }

  get at() {
    return this.#at;
  }

  /** @param {boolean} active */
  set active(active) {
    this.#active = active;
    if (active) {
      this.setAttribute("role", "slider");
      this.setAttribute("aria-label", say("position"));
      this.tabIndex = 0;
      this.removeAttribute("aria-hidden");
    } else {
      this.removeAttribute("role");
      this.removeAttribute("aria-label");
      this.removeAttribute("tabindex");
      this.setAttribute("aria-hidden", "true");
    }
  }

  #draw() {
    const { width, height } = this.getBoundingClientRect();
    if (!width || !height) return;
    const { peaks, seconds, gaps, skipped, cutOff } = this.#shape;
    const count = Math.max(1, Math.floor((width + GAP) / (BAR + GAP)));
    const top = Math.max(24, loudest(peaks));
    const lost = gaps.map((gap) => this.#across(gap, width));
    this.#bars = Array.from({ length: count }, (_, i) => {
      const x = i * (BAR + GAP);
      if (lost.some(({ x: left, wide }) => x + BAR > left && x < left + wide)) return "";
      const tall = Math.max(BAR, (peakAt(peaks, i, count) / top) * height);
      return bar(x, (height - tall) / 2, tall);
    });
    this.#all.setAttribute("d", this.#bars.join(""));
    this.#skip.setAttribute("d", skipped.map((span) => band(this.#across(span, width), height)).join(""));
    this.#lost.setAttribute("d", lost.map((place) => strokes(place, height)).join("") + (cutOff && seconds ? edge(width, height) : ""));
    this.#reached = -1;
    this.removeAttribute("aria-valuetext");
    this.at = this.#at;
  }

  /**
   * Where a part of the note lies; half a second of ten minutes must be seen too.
   * @param {Span} span
   * @param {number} width
   */
  #across({ from, to }, width) {
    const scale = width / (this.#shape.seconds || 1);
    return { x: from * scale, wide: Math.max(2 * BAR, (to - from) * scale) };
  }

  /**
   * Drag what plays. A finger that goes up or down scrolls the page and cancels this: it seeks only by what it does next.
   * @param {PointerEvent} event
   */
  #grab(event) {
    if (event.button !== 0 || !this.#active) return;
    event.preventDefault();
    this.focus({ preventScroll: true });
    this.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ to) => this.#seek(this.#secondsAt(to.clientX));
    const end = () => {
      this.removeEventListener("pointermove", move);
      this.removeEventListener("pointerup", end);
      this.removeEventListener("pointercancel", end);
    };
    this.addEventListener("pointermove", move);
    this.addEventListener("pointerup", end);
    this.addEventListener("pointercancel", end);
    if (event.pointerType === "mouse") move(event);
  }

  /**
   * Elsewhere, and under a finger, only a whole click counts: who scrolls over a note does not mean to hear it.
   * @param {PointerEvent} event
   */
  #click(event) {
    if (!this.#active || event.pointerType !== "mouse") this.#seek(this.#secondsAt(event.clientX));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in STEP) this.#fire("step", STEP[/** @type {keyof typeof STEP} */ (event.key)]);
    else if (event.key === "Home") this.#seek(0);
    else if (event.key === "End") this.#seek(this.#shape.seconds);
    else if (event.key === "Enter" || event.key === " ") this.#fire("toggle");
    else return;
    event.preventDefault();
  }

  /** @param {number} x */
  #secondsAt(x) {
    const { left, width } = this.getBoundingClientRect();
    return width ? ((x - left) / width) * this.#shape.seconds : 0;
  }

  /** @param {number} seconds */
  #seek(seconds) {
    this.#fire("seek", Math.min(Math.max(0, seconds), this.#shape.seconds));
  }

  /**
   * @param {string} name
   * @param {number} [detail]
   */
  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

/**
 * The loudest peak that falls into bar i of count.
 * @param {Uint8Array} peaks
 * @param {number} i
 * @param {number} count
 */
function peakAt(peaks, i, count) {
  if (!peaks.length) return 0;
  const from = Math.floor((i * peaks.length) / count);
  const to = Math.max(from + 1, Math.floor(((i + 1) * peaks.length) / count));
  return loudest(peaks.subarray(from, to));
}

/**
 * A long note has more peaks than a function takes arguments.
 * @param {Uint8Array} peaks
 */
function loudest(peaks) {
  return peaks.reduce((most, peak) => Math.max(most, peak), 0);
}

/**
 * One upright bar with round ends.
 * @param {number} x
 * @param {number} y
 * @param {number} tall
 */
function bar(x, y, tall) {
  const r = BAR / 2;
  const side = Math.max(0, tall - BAR).toFixed(1);
  return `M${x} ${(y + r).toFixed(1)}a${r} ${r} 0 0 1 ${BAR} 0v${side}a${r} ${r} 0 0 1 -${BAR} 0z`;
}

/**
 * A band behind the bars: passed over.
 * @param {{x: number, wide: number}} place
 * @param {number} height
 */
function band({ x, wide }, height) {
  return `M${x.toFixed(1)} 0h${wide.toFixed(1)}v${height}h-${wide.toFixed(1)}z`;
}

/**
 * Slanting strokes: lost.
 * @param {{x: number, wide: number}} place
 * @param {number} height
 */
function strokes({ x, wide }, height) {
  const count = Math.max(2, Math.round(wide / (BAR + GAP)));
  const step = wide / count;
  const from = (height - 2 * (BAR + GAP)) / 2;
  return Array.from({ length: count }, (_, i) => `M${(x + i * step).toFixed(1)} ${(from + 10).toFixed(1)}l${step.toFixed(1)} -10`).join("");
}

/**
 * A torn edge at the right: the end is lost.
 * @param {number} width
 * @param {number} height
 */
function edge(width, height) {
  const teeth = Math.max(2, Math.round(height / (2 * BAR)));
  const tooth = height / teeth / 2;
  return `M${width} 0${`l-4 ${tooth.toFixed(2)}l4 ${tooth.toFixed(2)}`.repeat(teeth)}`;
}

customElements.define("wave-form", WaveForm);
