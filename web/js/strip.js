/** `<note-strip>`: one note inside its row: play button, waveform, length, and what is to be known about it. */

import { h, icon } from "./dom.js";
import { MoreMenu } from "./menu.js";
import { moved } from "./silence.js";
import { Unplayable } from "./sound.js";
import { WaveForm } from "./wave.js";
import { length, timeOfDay } from "./when.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").NoteData} NoteData
 * @typedef {import("./player.js").PlayerState} PlayerState
 * @typedef {import("./record.js").OpenedNote} OpenedNote
 * @typedef {import("./wave.js").Shape} Shape
 */

/** Fires `play-note` (detail: {id, at, damaged}), `forward-note` and `export-note` (detail: id), bubbling. */
export class NoteStrip extends HTMLElement {
  #play = h("button", { type: "button", class: "play" });
  #wave = /** @type {WaveForm} */ (document.createElement("wave-form"));
  #length = h("span", { class: "length" });
  #more = /** @type {MoreMenu} */ (document.createElement("more-menu"));
  #going = h("span", { class: "going" }, h("span", { class: "lamp", "aria-hidden": "true" }), say("recording"));
  #notice = h("p", { class: "notice" });
  #problem = h("p", { class: "notice bad", role: "alert" });
  #who = "";
  #opened = false;
  #waits = false;
  /** @type {Shape} what its row tells */
  #told = { seconds: 0, peaks: new Uint8Array(0), gaps: [], skipped: [], cutOff: false };
  /** @type {Shape | null} what the player found out, which stays when it goes on to another note */
  #learned = null;
  /** @type {PlayerState} */
  #state = { id: null, playing: false, opening: false, at: 0, shape: null };
  /** @type {string | null} */
  #drawn = null;

  connectedCallback() {
    if (this.firstChild) return;
    this.append(this.#play, this.#wave, this.#length, this.#more, this.#going, this.#notice, this.#problem);
    this.#play.addEventListener("click", () => this.#ask({ at: 0 }));
    this.#wave.addEventListener("seek", (event) => {
      event.stopPropagation();
      this.#ask({ at: /** @type {CustomEvent<number>} */ (event).detail, seek: true });
    });
    this.#wave.addEventListener("step", (event) => {
      event.stopPropagation();
      const { at, shape } = this.#state;
      this.#ask({ at: moved(shape?.skipped ?? [], at, /** @type {CustomEvent<number>} */ (event).detail), seek: true });
    });
    this.#wave.addEventListener("toggle", (event) => {
      event.stopPropagation();
      this.#ask({ at: 0 });
    });
    this.follow(this.#state);
  }

  /**
   * @param {NoteData} note
   * @param {OpenedNote | undefined} opened
   * @param {string} who
   * @param {number} nth 1 for the only one
   * @param {number} of
   */
  show(note, opened, who, nth, of) {
    this.dataset.id = note.id;
    this.#who = who;
    this.#opened = opened !== undefined;
    const kept = note.state === "kept";
    for (const part of [this.#play, this.#wave, this.#length]) part.hidden = !kept;
    this.#more.hidden = !kept || !opened;
    this.#more.show(say("more_with", { who }), [
      { label: say("forward_note"), act: () => this.#wish("forward-note") },
      { label: say("export_note"), act: () => this.#wish("export-note") },
    ]);
    this.#going.hidden = kept;
    this.#play.disabled = !opened;
    this.#waits = kept && opened !== undefined && note.speech !== false;
    this.#told = {
      seconds: opened?.seconds ?? 0, peaks: opened?.peaks ?? new Uint8Array(0), gaps: [], skipped: [], cutOff: note.cut_off,
    };
    const notice = [
      of > 1 && `${say("note_n", { n: nth })}, ${timeOfDay(new Date(note.started_at))}`,
      kept && note.cut_off && say("cut_off"),
      kept && note.speech === false && say("no_speech"),
    ].filter(Boolean).join(" · ");
    this.#notice.textContent = notice.charAt(0).toUpperCase() + notice.slice(1);
    this.#draw();
    this.#drawn = null;
    this.follow(this.#state);
  }

  /**
   * Mirror what the player does, if it plays this note.
   * @param {PlayerState} state
   */
  follow(state) {
    const mine = state.id !== null && state.id === this.dataset.id;
    // The player tells with every picture, and a list has many strips.
    if (!mine && this.#drawn !== null && this.#state.id !== this.dataset.id) return;
    this.#state = state;
    this.classList.toggle("on", mine);
    const learned = mine ? state.shape : this.#learned && { ...this.#learned, skipped: [] };
    if (learned && (mine ? learned !== this.#learned : this.#learned?.skipped.length)) {
      this.#learned = learned;
      this.#draw();
    }
    const drawn = `${this.#opened} ${mine} ${mine && state.playing} ${this.#who}`;
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#wave.active = mine;
      const name = mine && state.playing ? "pause_from" : "play_from";
      this.#play.setAttribute("aria-label", this.#opened ? say(name, { who: this.#who }) : say("sealed_note"));
      this.#play.replaceChildren(icon(mine && state.playing ? "pause" : "play"));
    }
    this.#play.setAttribute("aria-busy", String(mine && state.opening));
    this.#wave.at = mine ? state.at : 0;
  }

  /** Whether there is speech in it that can be heard now: what a filter hides cannot. */
  get waits() {
    return this.#waits && this.getClientRects().length > 0;
  }

  /** Who left it, in words. */
  get who() {
    return this.#who;
  }

  /** Ask for it as if its button were pressed. */
  ask() {
    this.#ask({ at: 0 });
  }

  /**
   * Say why it does not play, and offer what may help.
   * @param {unknown} error null takes it away
   */
  complain(error) {
    this.#problem.replaceChildren(error === null ? "" : error instanceof Error ? error.message : String(error));
    const remedy = error instanceof Unplayable ? error.remedy : null;
    if (remedy) {
      const button = h("button", { type: "button", class: "link" }, say(remedy === "rest" ? "play_rest" : "try_again"));
      button.addEventListener("click", () => this.#ask({ at: 0, damaged: remedy === "rest" }));
      this.#problem.append(" ", button);
    }
    if (error !== null) this.#problem.scrollIntoView({ block: "nearest" });
  }

  #draw() {
    const shape = this.#learned ?? this.#told;
    this.#length.textContent = this.#opened ? length(shape.seconds) : "";
    this.#wave.show(shape);
  }

  /** @param {string} name */
  #wish(name) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: this.dataset.id }));
  }

  /** @param {{at: number, damaged?: boolean, seek?: boolean}} how */
  #ask(how) {
    this.dispatchEvent(new CustomEvent("play-note", { bubbles: true, detail: { id: this.dataset.id, ...how } }));
  }
}

customElements.define("note-strip", NoteStrip);
