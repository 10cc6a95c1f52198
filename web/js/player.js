/** `<note-player>`: the one player, outside the list, so that nothing that happens to rows touches what plays. */

import { PlayerControls } from "./controls.js";
import { h, icon } from "./dom.js";
import { charactersAct } from "./habits.js";
import * as mediakeys from "./mediakeys.js";
import { inWords } from "./refusal.js";
import { save, share } from "./save.js";
import { STEP_S, wishOf } from "./shortcuts.js";
import { landing, moved, total } from "./silence.js";
import { WaveForm } from "./wave.js";
import { length } from "./when.js";
import { say } from "./words.js";

/**
 * @typedef {import("./sound.js").Playable} Playable
 * @typedef {import("./wave.js").Shape} Shape
 * @typedef {{id: string, who: string, seconds: number, peaks: Uint8Array, file: string,
 *   fetch: (damaged: boolean) => Promise<Playable>}} Track
 *   file: its name when it is saved; fetch throws Unplayable; with `damaged` it takes what is intact
 * @typedef {{id: string | null, playing: boolean, opening: boolean, at: number, shape: Shape | null}} PlayerState
 *   shape: of the opened sound
 */

/**
 * Fires `state` (detail: PlayerState); `opened` (detail: {id, seconds, peaks}) when a note's sound tells more than
 * its row did; `began` (detail: note id) when it is first heard; and `ended` (detail: note id) when the next one is wanted.
 */
export class NotePlayer extends HTMLElement {
  #audio = new Audio();
  #wave = /** @type {WaveForm} */ (document.createElement("wave-form"));
  #controls = /** @type {PlayerControls} */ (document.createElement("player-controls"));
  #toggle = h("button", { type: "button", class: "toggle" });
  #title = h("span", { class: "title", dir: "auto" });
  #clock = h("span", { class: "clock" });
  #left = h("span", { class: "left" });
  #saves = h("span", { class: "saves" });
  #close = h("button", { type: "button", class: "close", "aria-label": say("close_player"), title: say("close_player") }, icon("close"));
  #note = h("p", { class: "note", role: "status" });
  /** @type {Track | null} */
  #track = null;
  /** @type {Playable | null} */
  #sound = null;
  /** @type {Shape | null} */
  #shape = null;
  #heard = false;
  #frame = 0;
  /** @type {HTMLElement | null} what had the focus when it opened */
  #opener = null;

  connectedCallback() {
    if (this.firstChild) return;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", say("player"));
    const times = h("span", { class: "times" }, this.#clock, this.#left, this.#saves);
    this.append(
      this.#toggle, h("div", { class: "head" }, this.#title, times), this.#wave, this.#controls, this.#close, this.#note, this.#audio,
    );
    this.#audio.preservesPitch = true;
    this.#wave.active = true;
    this.#toggle.addEventListener("click", () => this.toggle());
    this.#close.addEventListener("click", () => this.#leave());
    this.#controls.addEventListener("step", (event) => this.step(/** @type {CustomEvent<number>} */ (event).detail));
    this.#controls.addEventListener("habits", () => this.#follow());
    this.#controls.addEventListener("save", () => this.#save());
    this.#controls.addEventListener("share", () => void this.#share());
    this.#wave.addEventListener("seek", (event) => this.seek(/** @type {CustomEvent<number>} */ (event).detail));
    this.#wave.addEventListener("step", (event) => this.step(/** @type {CustomEvent<number>} */ (event).detail));
    this.#wave.addEventListener("toggle", () => this.toggle());
    for (const name of ["play", "pause", "seeked", "ratechange"]) this.#audio.addEventListener(name, () => this.#tell());
    this.#audio.addEventListener("timeupdate", () => this.#show());
    this.#audio.addEventListener("playing", () => this.#began());
    this.#audio.addEventListener("ended", () => this.#ended());
    this.#audio.addEventListener("error", () => this.#failed());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @returns {PlayerState} */
  get state() {
    return {
      id: this.#track?.id ?? null, playing: !this.#audio.paused && !this.#audio.ended, opening: this.#track !== null && !this.#sound,
      at: this.#audio.currentTime, shape: this.#shape,
    };
  }

  /**
   * Open a note and play it.
   * @param {Track} track
   * @param {{at?: number, damaged?: boolean}} [how]
   * @throws {Error} for people, when it does not open; the player is closed then
   */
  async play(track, { at = 0, damaged = false } = {}) {
    if (this.hasAttribute("hidden")) this.#opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.#release();
    this.#track = track;
    this.#heard = false;
    this.hidden = false;
    this.#title.textContent = track.who;
    this.#wave.show({ seconds: track.seconds, peaks: track.peaks, gaps: [], skipped: [], cutOff: false });
    this.#show();
    try {
      const sound = await track.fetch(damaged);
      if (this.#track !== track) return;
      this.#sound = sound;
      track.seconds = sound.seconds;
      this.#audio.src = URL.createObjectURL(sound.sound);
      this.#audio.currentTime = at;
      this.#note.textContent = troubles(sound);
      this.#follow();
      this.dispatchEvent(new CustomEvent("opened", { detail: { id: track.id, seconds: sound.seconds, peaks: sound.peaks } }));
    } catch (error) {
      if (this.#track === track) this.stop();
      throw error;
    }
    mediakeys.offer({
      play: () => void this.#resume(), pause: () => this.#audio.pause(), stop: () => this.stop(),
      step: (by) => this.step(by), seek: (to) => this.seek(to),
    });
    await this.#resume();
  }

  toggle() {
    if (!this.#sound) return;
    if (this.state.playing) this.#audio.pause();
    else void this.#resume();
  }

  /** @param {number} seconds */
  seek(seconds) {
    if (!this.#sound) return;
    this.#audio.currentTime = Math.min(Math.max(0, seconds), this.#sound.seconds);
    this.#show();
  }

  /** @param {number} by seconds that can be heard */
  step(by) {
    this.seek(moved(this.#shape?.skipped ?? [], this.#audio.currentTime, by));
  }

  /** Close: the decrypted sound is let go. */
  stop() {
    this.#release();
    this.hidden = true;
    this.#show();
  }

  #release() {
    this.#audio.pause();
    if (this.#audio.src) URL.revokeObjectURL(this.#audio.src);
    this.#audio.removeAttribute("src");
    this.#audio.load();
    this.#track = null;
    this.#sound = null;
    this.#shape = null;
    this.#note.textContent = "";
    mediakeys.withdraw();
  }

  /** Close by hand: the focus goes back to where it came from. */
  #leave() {
    this.stop();
    this.#opener?.focus({ preventScroll: true });
  }

  /** A browser may refuse to begin by itself when opening took long: the button then says "play". */
  async #resume() {
    await this.#audio.play().catch(() => undefined);
    this.#show();
  }

  /** Listen as the habits say, from now on. */
  #follow() {
    const { speed, skip } = this.#controls.habits;
    this.#audio.defaultPlaybackRate = speed;
    this.#audio.playbackRate = speed;
    if (!this.#sound) return;
    const { seconds, peaks, gaps, silences, cutOff } = this.#sound;
    this.#shape = { seconds, peaks, gaps, cutOff, skipped: skip ? silences : [] };
    this.#wave.show(this.#shape);
    this.#show();
  }

  #began() {
    if (this.#heard || !this.#track) return;
    this.#heard = true;
    this.dispatchEvent(new CustomEvent("began", { detail: this.#track.id }));
  }

  #ended() {
    this.#tell();
    if (this.#track && this.#controls.habits.onward) this.dispatchEvent(new CustomEvent("ended", { detail: this.#track.id }));
  }

  #failed() {
    if (!this.#sound || !this.#audio.getAttribute("src")) return;
    this.#note.textContent = say("cannot_play", { type: "audio" });
    this.#show();
  }

  #save() {
    if (!this.#track || !this.#sound) return;
    save(this.#audio.src, this.#track.file);
    this.dispatchEvent(new CustomEvent("saved", { detail: this.#track.id }));
    this.#note.textContent = [troubles(this.#sound), say("saved")].filter(Boolean).join(" ");
  }

  async #share() {
    const [track, sound] = [this.#track, this.#sound];
    if (!track || !sound) return;
    try {
      if (!await share(sound.sound, track.file)) return;
      this.dispatchEvent(new CustomEvent("saved", { detail: track.id }));
      this.#note.textContent = [troubles(sound), say("shared")].filter(Boolean).join(" ");
    } catch (error) {
      this.#note.textContent = say("share_failed", { why: inWords(error) });
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const wish = this.hidden ? null : wishOf(event, charactersAct());
    if (!wish) return;
    event.preventDefault();
    if (wish === "toggle") this.toggle();
    else if (wish === "close") this.#leave();
    else if (wish === "back" || wish === "forward") this.step(wish === "back" ? -STEP_S : STEP_S);
    else this.#controls.faster(wish === "faster" ? 1 : -1);
  }

  /** What the system is to know changes more seldom than the picture. */
  #tell() {
    if (this.#sound) {
      mediakeys.tell(this.state.playing, { at: this.#audio.currentTime, seconds: this.#sound.seconds, speed: this.#audio.playbackRate });
    }
    this.#show();
  }

  #show() {
    const state = this.state;
    const landed = state.playing ? landing(this.#shape?.skipped ?? [], state.at) : null;
    if (landed !== null) {
      this.#audio.currentTime = landed;
      state.at = landed;
    }
    const who = this.#track?.who ?? "";
    const name = say(state.playing ? "pause_from" : "play_from", { who });
    if (this.#toggle.getAttribute("aria-label") !== name) {
      this.#toggle.setAttribute("aria-label", name);
      this.#toggle.replaceChildren(icon(state.playing ? "pause" : "play"));
    }
    this.#toggle.setAttribute("aria-busy", String(state.opening));
    this.#wave.at = state.at;
    this.#times(state);
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
    this.#again(state.playing);
  }

  /** @param {PlayerState} state */
  #times({ opening, at, shape }) {
    const all = this.#track?.seconds ?? 0;
    write(this.#clock, opening ? say("opening") : `${length(at)} / ${length(all)}`);
    write(this.#left, opening ? "" : say("left", { time: length(Math.round(all) - Math.round(at)) }));
    const skipped = Math.round(total(shape?.skipped ?? []));
    write(this.#saves, skipped ? say("skips", { s: skipped }) : "");
  }

  /**
   * While it plays, move the wave with every picture; timeupdate alone comes four times a second.
   * @param {boolean} playing
   */
  #again(playing) {
    cancelAnimationFrame(this.#frame);
    if (!playing || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#frame = requestAnimationFrame(() => this.#show());
  }
}

/**
 * What is not right with an opened note, in words.
 * @param {Playable} sound
 */
function troubles({ gaps, cutOff }) {
  const places = gaps.slice(0, 3).map(({ from }) => length(from)).join(", ") + (gaps.length > 3 ? " …" : "");
  const lost = gaps.length && say(gaps.length === 1 ? "gap" : "gaps", { n: gaps.length, places });
  return [lost, cutOff && say("end_lost")].filter(Boolean).join(" ");
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

customElements.define("note-player", NotePlayer);
