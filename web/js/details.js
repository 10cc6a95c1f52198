/** `<call-details>`: everything that is known of one call, and the other calls of its caller, beside its note. */

import { h } from "./dom.js";
import { dateAndTime, length, spoken } from "./when.js";
import { clip } from "./who.js";
import { because, why } from "./why.js";
import { say } from "./words.js";

/**
 * @typedef {import("./shelf.js").Entry} Entry
 * @typedef {{several: boolean, complete: boolean}} Known several: I have more than one mailbox; complete: every call is here
 */

/** Calls of one caller that are listed at once; more follow by a button. */
const STEP = 20;

/** Fires `name-caller` and `erase-caller`, bubbling; the row they are for has this element. */
export class CallDetails extends HTMLElement {
  #facts = h("dl", {});
  #name = h("button", { type: "button", class: "link" });
  #erase = h("button", { type: "button", class: "link" }, say("erase_caller"));
  #acts = h("p", { class: "acts" }, this.#name, this.#erase);
  #title = h("h3", {});
  #calls = h("ol", {});
  #older = h("button", { type: "button", class: "link" }, say("older"));
  #most = STEP;
  /** What is shown: an element that may have the focus is not made anew for nothing. */
  #shown = "";
  /** @type {() => void} */
  #again = () => undefined;

  connectedCallback() {
    if (this.firstChild) return;
    this.setAttribute("role", "group");
    this.append(this.#facts, this.#acts, this.#title, this.#calls, this.#older);
    this.#name.addEventListener("click", () => this.#fire("name-caller"));
    this.#erase.addEventListener("click", () => this.#fire("erase-caller"));
    this.#older.addEventListener("click", () => {
      const first = this.#most;
      this.#most += STEP;
      this.#again();
      /** @type {HTMLElement | undefined} */ (this.#calls.children[first])?.focus(); // the button may be gone
    });
  }

  /**
   * @param {Entry} entry
   * @param {readonly Entry[]} calls all of this caller, newest first
   * @param {Known} known
   */
  show(entry, calls, known) {
    this.#again = () => this.show(entry, calls, known);
    const { who } = entry;
    this.setAttribute("aria-label", say("details_of", { who: who.words }));
    const facts = factsOf(entry);
    const lines = calls.slice(0, this.#most).map((each) => lineOf(each, entry, known.several));
    const told = JSON.stringify([facts, lines, calls.length, known, who.contact !== null]);
    if (told === this.#shown) return;
    this.#shown = told;
    this.#facts.replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("bdi", {}, value)))));
    this.#name.textContent = say(who.contact ? "edit_contact" : "name_caller");
    this.#acts.hidden = !who.number;
    this.#tell(calls.length, known, who.number !== "");
    const focused = [...this.#calls.children].findIndex((line) => line.contains(document.activeElement));
    this.#calls.replaceChildren(...lines.map(draw));
    if (focused >= 0) /** @type {HTMLElement | undefined} */ (this.#calls.children[focused]?.querySelector("button"))?.focus();
    this.#older.hidden = calls.length <= this.#most;
  }

  /**
   * @param {number} n
   * @param {Known} known
   * @param {boolean} numbered
   */
  #tell(n, { complete }, numbered) {
    const others = n - 1;
    const text = !numbered ? say("no_history") : others < 1 ? say("history_none") : others === 1 ? say("history_one") : say("history_n", { n: others });
    this.#title.textContent = complete || !numbered ? text : `${text} ${say("history_so_far")}`;
    this.#calls.hidden = others < 1;
  }

  /** @param {string} name */
  #fire(name) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  }
}

/**
 * @param {Entry} entry
 * @returns {[string, string][]}
 */
function factsOf({ data, opened: { call }, who }) {
  if (!call) return [];
  const presentation = { allowed: "", restricted: say("withheld_long"), unavailable: say("unknown_long"), untold: say("untold") }[call.from.presentation];
  /** @type {[string, string][]} */
  const all = [
    [say("fact_contact"), who.contact?.name ?? ""],
    [say("fact_itself"), who.contact ? who.itself : who.name],
    [say("fact_number"), who.number || presentation],
    [say("fact_note"), who.contact?.note ?? ""],
    [say("fact_when"), dateAndTime(timeOf(data, call.rang_at))],
    [say("fact_why"), because(data.reason)],
    [say("fact_rang"), call.rang_s ? spoken(call.rang_s) : ""],
    [say("fact_dialled"), clip(call.dialled)],
    [say("fact_forwarded"), clip(call.forwarded_from)],
    [say("fact_group"), call.group ? say("fact_group_yes") : ""],
    [say("mailbox"), boxName(data)],
  ];
  return all.filter(([, value]) => value !== "");
}

/**
 * @typedef {{id: string, at: string, when: string, here: boolean, number: string, box: string, why: string, gone: boolean,
 *   notes: {id: string, told: string, play: string | null}[]}} Line
 * @param {Entry} entry
 * @param {Entry} opened the call whose details these are
 * @param {boolean} several
 * @returns {Line}
 */
function lineOf({ data, opened, who }, { data: { id }, who: { number } }, several) {
  const time = timeOf(data, opened.call?.rang_at);
  const when = dateAndTime(time);
  const notes = data.notes.map((note) => {
    const known = opened.notes.get(note.id);
    const heard = say(note.speech === false ? "no_speech" : data.heard ? "history_heard" : "history_unheard");
    const told = note.state === "recording" ? say("recording") : `${say("voice_note")} ${length(known?.seconds ?? 0)}, ${heard}`;
    return { id: note.id, told, play: known && note.state === "kept" ? say("play_of", { when }) : null };
  });
  return {
    id: data.id, at: time.toISOString(), when, here: data.id === id, number: who.number === number ? "" : who.number,
    box: several ? say("to_mailbox", { name: boxName(data) }) : "", why: why(data.reason, opened.call?.rang_s), gone: data.deleted_at !== null, notes,
  };
}

/** @param {Line} line */
function draw({ at, when, here, number, box, why: reason, gone, notes }) {
  const parts = [number, box, reason, gone ? say("is_deleted") : "", here ? say("this_call") : ""].filter(Boolean);
  return h("li", { "aria-current": here ? "true" : null, tabindex: -1 }, h("time", { datetime: at }, when), " ",
    h("span", {}, ...parts.flatMap((part, i) => [i ? " · " : "", h("bdi", {}, part)])),
    ...notes.map(({ id, told, play }) => {
      if (play === null) return h("span", { class: "noted" }, told);
      const button = h("button", { type: "button", class: "link noted", "aria-label": `${play}: ${told}` }, told);
      button.addEventListener("click", () => button.dispatchEvent(new CustomEvent("play-note", { bubbles: true, detail: { id, at: 0 } })));
      return button;
    }));
}

/** @param {import("./api.js").RowData} data */
function boxName({ mailbox_name: name, extension }) {
  return name && name !== extension ? `${name} (${extension})` : extension;
}

/**
 * When it began to ring; a record may tell nonsense.
 * @param {import("./api.js").RowData} data
 * @param {string | undefined} told
 */
function timeOf(data, told) {
  const rang = new Date(told ?? data.received_at);
  return Number.isNaN(rang.getTime()) ? new Date(data.received_at) : rang;
}

customElements.define("call-details", CallDetails);
