/** `<player-controls>`: how to listen: steps, speed, what is passed over, what comes next, and the way out as a file. */

import { h, icon } from "./dom.js";
import { faster, keep, load, SPEEDS } from "./habits.js";
import { canShare } from "./save.js";
import { STEP_S } from "./shortcuts.js";
import { locale, say } from "./words.js";

/** @typedef {import("./habits.js").Habits} Habits */

const number = new Intl.NumberFormat(locale);

/** Fires `step` (detail: seconds), `habits` (they have changed), `save` and `share`. */
export class PlayerControls extends HTMLElement {
  /** @type {Habits} */
  #habits = load();
  #back = h("button", { type: "button", class: "step", "aria-label": say("back_s", { s: STEP_S }) }, icon("back"), `${STEP_S}`);
  #forward = h("button", { type: "button", class: "step", "aria-label": say("forward_s", { s: STEP_S }) }, `${STEP_S}`, icon("forward"));
  #speed = h("select", { "aria-label": say("speed"), title: say("speed") },
    ...SPEEDS.map((speed) => h("option", { value: speed }, `${number.format(speed)}×`)));
  #skip = toggle("skip", say("skip_silence"));
  #onward = toggle("onward", say("play_on"), say("play_on_hint"));
  #save = h("button", { type: "button", "aria-label": say("save_wav"), title: say("save_hint") }, icon("save"));
  /** Only where the browser can. */
  #share = canShare() && h("button", { type: "button", "aria-label": say("share"), title: say("share_hint") }, icon("share"));

  connectedCallback() {
    if (this.firstChild) return;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", say("listening"));
    this.append(this.#back, this.#forward, this.#speed, this.#skip, this.#onward, this.#save, ...(this.#share ? [this.#share] : []));
    this.#back.addEventListener("click", () => this.#fire("step", -STEP_S));
    this.#forward.addEventListener("click", () => this.#fire("step", STEP_S));
    this.#speed.addEventListener("change", () => this.#become({ speed: Number(this.#speed.value) }));
    this.#skip.addEventListener("click", () => this.#become({ skip: !this.#habits.skip }));
    this.#onward.addEventListener("click", () => this.#become({ onward: !this.#habits.onward }));
    this.#save.addEventListener("click", () => this.#fire("save"));
    if (this.#share) this.#share.addEventListener("click", () => this.#fire("share"));
    this.#show();
  }

  /** @returns {Readonly<Habits>} */
  get habits() {
    return this.#habits;
  }

  /** @param {number} by 1 for faster, -1 for slower */
  faster(by) {
    this.#become({ speed: faster(this.#habits.speed, by) });
  }

  /** @param {Partial<Habits>} change */
  #become(change) {
    this.#habits = { ...this.#habits, ...change };
    keep(this.#habits);
    this.#show();
    this.#fire("habits");
  }

  #show() {
    const { speed, skip, onward } = this.#habits;
    this.#speed.value = String(speed);
    this.#skip.setAttribute("aria-pressed", String(skip));
    this.#onward.setAttribute("aria-pressed", String(onward));
  }

  /**
   * @param {string} name
   * @param {number} [detail]
   */
  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/**
 * A switch: its words hide where there is no room, its name stays.
 * @param {"skip" | "onward"} shape
 * @param {string} name
 * @param {string} [hint]
 */
function toggle(shape, name, hint = name) {
  return h("button", { type: "button", class: "switch", "aria-label": name, "aria-pressed": "false", title: hint },
    icon(shape), h("span", { class: "words" }, name));
}

customElements.define("player-controls", PlayerControls);
