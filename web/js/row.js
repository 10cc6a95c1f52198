/** `<call-row>`: one missed call with its notes. The server wrote id, time, reason and marks; this fills in who. */

import { CallDetails } from "./details.js";
import { h, icon } from "./dom.js";
import { charactersAct } from "./habits.js";
import { choices, inWords } from "./handling.js";
import { isCommand } from "./shortcuts.js";
import { NoteStrip } from "./strip.js";
import { inFull, timeOfDay } from "./when.js";
import { clip } from "./who.js";
import { why } from "./why.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").RowData} RowData
 * @typedef {import("./keyring.js").OpenedRow} OpenedRow
 * @typedef {import("./record.js").Forwarding} Forwarding
 * @typedef {import("./who.js").Who} Who
 * @typedef {import("./handling.js").Choice} Choice
 * @typedef {{several: boolean, private: boolean, shared: boolean}} Box several: the reader has more than one mailbox; shared:
 *   others read this one, too
 */

/** Longest words of who forwarded it. */
const LONGEST_WORDS = 500;

/** Days for which a deleted row can be brought back; the server's number. */
const UNDO_DAYS = 30;

/**
 * Fires `mark` (detail: {id, heard}), `handle` (detail: {id, state}), `remove` (detail: {id, deleted}) and `details` (they want
 * to be filled), bubbling.
 */
export class CallRow extends HTMLElement {
  #mark = h("span", { class: "mark" });
  #who = h("span", { class: "who" });
  #why = h("span", { class: "why" });
  #when = h("time");
  #hands = h("span", { class: "hands" });
  #take = h("button", { type: "button", class: "link", hidden: true });
  #done = h("button", { type: "button", class: "link", hidden: true });
  #unmark = h("button", { type: "button", class: "link unmark", hidden: true }, say("mark_unheard"));
  #remove = h("button", { type: "button", class: "link" });
  #words = h("ul", { class: "said", hidden: true });
  #more = h("button", { type: "button", class: "link", "aria-expanded": "false" }, say("details"));
  #acts = h("span", { class: "acts" }, this.#take, this.#done, this.#unmark, this.#more, this.#remove);
  /** @type {CallDetails | null} */
  #details = null;
  #deleted = false;
  /** @type {{take: Choice | null, done: Choice | null}} what may be done with the call */
  #choices = { take: null, done: null };
  /** @type {Map<string, NoteStrip>} */
  #strips = new Map();
  #built = false;

  /**
   * What those who forwarded it have to say.
   * @param {Forwarding[]} forwarded
   */
  #fillWords(forwarded) {
    const lines = forwarded.filter(({ text }) => text.trim());
    this.#words.hidden = !lines.length;
    this.#words.replaceChildren(...lines.map(({ by, text }) => (
      h("li", {}, h("bdi", { class: "by" }, clip(by)), ": ", h("bdi", {}, clip(text, LONGEST_WORDS))))));
  }

  /**
   * @param {RowData} row
   * @param {OpenedRow} opened
   * @param {Who} who
   * @param {Box} box
   */
  show(row, opened, who, box) {
    this.#build();
    this.dataset.id = row.id;
    this.dataset.received = row.received_at;
    const spoken = row.notes.some((note) => note.state === "kept" && note.speech !== false);
    const unheard = spoken && !row.heard && !row.deleted_at;
    this.classList.toggle("unheard", unheard);
    this.#mark.replaceChildren(...(unheard ? [lamp()] : []));
    this.#fillWho(opened, who);
    this.#why.replaceChildren(...this.#reasons(row, opened, box));
    const when = opened.call?.forwarded?.length ? new Date(row.received_at) : rangAt(row, opened);
    this.#when.dateTime = when.toISOString();
    this.#when.textContent = timeOfDay(when);
    this.#when.title = inFull(when);
    this.#fillWords(opened.call?.forwarded ?? []);
    this.#showNotes(row, opened, who);
    this.#deleted = Boolean(row.deleted_at);
    this.classList.toggle("deleted", this.#deleted);
    this.#more.hidden = !opened.call;
    this.#unmark.hidden = !opened.call || !spoken || unheard || this.#deleted;
    this.#remove.textContent = say(this.#deleted ? "restore" : "delete");
    this.#showHands(row, opened.call && who.words, box);
  }

  /** @returns {Iterable<NoteStrip>} */
  get strips() {
    return this.#strips.values();
  }

  /** What is told of it beside the note, when that is open. */
  get details() {
    return this.#details;
  }

  #build() {
    if (this.#built) return;
    this.#built = true;
    this.setAttribute("role", "article");
    this.tabIndex = -1; // the focus can be brought here
    this.replaceChildren(this.#mark, this.#who, this.#when, this.#why, this.#words, this.#hands, this.#acts);
    this.#unmark.addEventListener("click", () => this.dispatchEvent(new CustomEvent("mark", {
      bubbles: true, detail: { id: this.dataset.id, heard: false },
    })));
    this.#remove.addEventListener("click", () => this.#wish(!this.#deleted));
    this.#more.addEventListener("click", () => this.#unfold());
    this.#take.addEventListener("click", () => this.#handle(this.#choices.take));
    this.#done.addEventListener("click", () => this.#handle(this.#choices.done));
    this.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!isCommand(event)) return;
    if (event.key === "Delete" && !this.#deleted) this.#wish(true);
    const key = event.key.toLowerCase();
    const choice = [this.#choices.take, this.#choices.done].find((each) => each?.key === key);
    if (choice && charactersAct()) this.#handle(choice);
  }

  /** @param {Choice | null} choice */
  #handle(choice) {
    if (!choice) return;
    this.dispatchEvent(new CustomEvent("handle", { bubbles: true, detail: { id: this.dataset.id, state: choice.state } }));
  }

  /**
   * Who has the call, and what may be done about that. Each button stays the same whatever it says now, and the focus goes
   * over to the other one when its own is not there any more.
   * @param {RowData} row
   * @param {string | null} words who called; null when that is sealed
   * @param {Box} box
   */
  #showHands({ handling, deleted_at: deleted }, words, box) {
    const held = document.activeElement;
    this.#choices = words !== null && !deleted ? choices(handling, box.shared) : { take: null, done: null };
    const { take, done } = this.#choices;
    for (const [button, choice] of /** @type {const} */ ([[this.#take, take], [this.#done, done]])) {
      button.hidden = !choice;
      if (!choice) continue;
      button.textContent = say(choice.word);
      button.setAttribute("aria-label", say("of_call", { act: say(choice.word), who: words ?? "" }));
    }
    if (held === this.#take && !take && done) this.#done.focus({ preventScroll: true });
    if (held === this.#done && !done && take) this.#take.focus({ preventScroll: true });
    const { before, who, after } = inWords(handling);
    this.#hands.hidden = !before && !who;
    this.#hands.replaceChildren(before, h("bdi", {}, who), after);
    this.#hands.title = handling.at ? inFull(new Date(handling.at)) : "";
    this.classList.toggle("done", handling.state === "done");
    this.classList.toggle("taken", handling.state === "taken");
    this.classList.toggle("mine", handling.mine);
  }

  #unfold() {
    this.#details?.remove();
    this.#details = this.#details ? null : new CallDetails();
    this.#more.setAttribute("aria-expanded", String(this.#details !== null));
    if (!this.#details) return;
    this.append(this.#details);
    this.dispatchEvent(new CustomEvent("details", { bubbles: true, detail: this }));
  }

  /** @param {boolean} deleted */
  #wish(deleted) {
    this.dispatchEvent(new CustomEvent("remove", { bubbles: true, detail: { id: this.dataset.id, deleted } }));
  }

  /**
   * @param {OpenedRow} opened
   * @param {Who} who
   */
  #fillWho({ call, problem }, { name, number, contact, itself, posing, words }) {
    this.#who.classList.toggle("sealed", !call);
    if (!call) {
      this.#who.textContent = say(problem ?? "sealed");
      return;
    }
    const parts = [];
    // No letters: what a caller calls himself cannot look like it.
    if (contact) parts.push(h("span", { class: "mine", role: "img", "aria-label": say("from_book"), title: say("from_book") }, icon("book")));
    if (name) parts.push(h("bdi", { class: "name" }, name));
    if (number) parts.push(h("bdi", { class: "number", dir: "ltr" }, number));
    if (!parts.length) parts.push(h("span", { class: "nobody" }, words));
    if (itself) parts.push(h("span", { class: "itself" }, say("calls_itself"), " ", h("bdi", {}, itself)));
    if (posing) parts.push(h("span", { class: "posing" }, say("posing")));
    this.#who.replaceChildren(...parts);
  }

  /**
   * @param {RowData} row
   * @param {OpenedRow} opened
   * @param {Box} box
   */
  #reasons(row, opened, box) {
    /** @type {(Node | string)[]} */
    const parts = [why(row.reason, opened.call?.rang_s)];
    if ([...opened.notes.values()].some((note) => note.urgent)) parts.unshift(h("strong", { class: "urgent" }, say("urgent")), " ");
    const tag = (/** @type {string} */ text, kind = "") => parts.push(" ", h("span", { class: `tag ${kind}` }, h("bdi", {}, text)));
    const forwarded = opened.call?.forwarded?.at(-1);
    if (forwarded) {
      tag(say("forwarded_by", { who: clip(forwarded.by), box: clip(forwarded.mailbox || forwarded.extension) }), "by");
      tag(say("called_at", { when: inFull(rangAt(row, opened)) }), "by");
    }
    if (opened.call?.group) tag(say("group"));
    if (opened.call?.forwarded_from) tag(say("forwarded", { from: clip(opened.call.forwarded_from) }));
    if (box.several) tag(say("to_mailbox", { name: row.mailbox_name || row.extension }));
    if (!box.private) tag(say("not_private"), "warn");
    if (row.deleted_at) tag(gone(row.deleted_at));
    return parts;
  }

  /**
   * Rows of notes are changed in place, never made anew: the one that plays keeps its button and its focus.
   * @param {RowData} row
   * @param {OpenedRow} opened
   * @param {Who} who
   */
  #showNotes(row, opened, who) {
    const there = new Set(row.notes.map((note) => note.id));
    for (const [id, strip] of this.#strips) {
      if (there.has(id)) continue;
      strip.remove();
      this.#strips.delete(id);
    }
    row.notes.forEach((note, i) => {
      let strip = this.#strips.get(note.id);
      if (!strip) {
        strip = /** @type {NoteStrip} */ (document.createElement("note-strip"));
        this.#strips.set(note.id, strip);
        this.insertBefore(strip, this.#acts);
      }
      strip.show(note, opened.notes.get(note.id), who.words, i + 1, row.notes.length);
    });
  }
}

/**
 * When it rang, as the record tells, else when the row came.
 * @param {RowData} row
 * @param {OpenedRow} opened
 */
function rangAt(row, opened) {
  const rang = new Date(opened.call?.rang_at ?? row.received_at);
  return Number.isNaN(rang.getTime()) ? new Date(row.received_at) : rang;
}

/**
 * When a deleted row will be gone.
 * @param {string} deletedAt
 */
function gone(deletedAt) {
  const days = UNDO_DAYS - Math.floor((Date.now() - Date.parse(deletedAt)) / 86_400_000);
  return days > 1 ? say("gone_in", { n: days }) : say("gone_soon");
}

function lamp() {
  return h("span", { class: "lamp", role: "img", "aria-label": say("unheard") });
}

customElements.define("call-row", CallRow);
