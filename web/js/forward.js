/** Forwarding a note: to whom, with what words, and the way there. The page seals it anew; the server cannot. */

import * as api from "./api.js";
import { again, directory, nameOf, trust } from "./directory.js";
import { h, onSubmit } from "./dom.js";
import { fingerprint, Keyring } from "./keyring.js";
import { CallList } from "./list.js";
import { inWords } from "./refusal.js";
import { resealed } from "./reseal.js";
import { fromBase64url } from "./seal/bytes.js";
import { whole } from "./sound.js";
import { upload } from "./upload.js";
import * as vault from "./vault.js";
import { say } from "./words.js";

/**
 * @typedef {import("./directory.js").Listed} Listed
 * @typedef {import("./shelf.js").Entry} Entry
 */

/** Longest text of one's own, sealed with the note. */
const LONGEST = 500;

/** Mailboxes that are offered at once; a word narrows them down. */
const OFFERED = 100;

/** So few need no search. */
const FEW = 8;

/** A mailbox whose key changes while it is sealed to is tried so often. */
const TRIES = 3;

/**
 * Do what a note's menu asks for.
 * @param {CallList} list fires `forward-note`
 * @param {Keyring} keyring
 * @param {string} myName
 */
export function forwardFrom(list, keyring, myName) {
  list.addEventListener("forward-note", (event) => {
    const id = /** @type {CustomEvent<string>} */ (event).detail;
    const entry = list.entryOf(id);
    if (entry?.opened.call) void new ForwardDialog(entry, id, keyring, myName).open();
  });
}

class ForwardDialog {
  /** @type {Listed[]} */
  #boxes = [];
  #words = h("input", { id: "forward-find", type: "search", autocomplete: "off", spellcheck: "false", maxlength: 120 });
  #find = h("div", { class: "field", hidden: true }, h("label", { for: "forward-find" }, say("forward_find")), this.#words);
  #to = h("select", { id: "forward-to", size: 6, required: true });
  #print = h("span", { class: "print" });
  #trust = h("p", { class: "hint", role: "status" });
  #checked = h("input", { type: "checkbox" });
  #check = h("label", { class: "switch", hidden: true }, this.#checked, say("forward_checked"));
  #text = h("textarea", { id: "forward-text", rows: 2, maxlength: LONGEST, autocomplete: "off", spellcheck: "false",
    "aria-describedby": "forward-text-hint" });
  #progress = h("progress", { max: 1, value: 0, "aria-label": say("forwarding"), hidden: true });
  #problem = h("p", { class: "problem", role: "alert" });
  #send = h("button", { type: "submit" }, say("forward"));
  #cancel = h("button", { type: "button", class: "quiet" }, say("cancel"));
  #form = h("form", {});
  #dialog = h("dialog", { class: "forward", "aria-labelledby": "forward-title" });
  #left = new AbortController();

  /**
   * @param {Entry} entry the row of the note
   * @param {string} noteId
   * @param {Keyring} keyring
   * @param {string} myName
   */
  constructor(entry, noteId, keyring, myName) {
    this.entry = entry;
    this.noteId = noteId;
    this.keyring = keyring;
    this.myName = myName;
    this.#form.append(
      h("h2", { id: "forward-title" }, say("forward_title"), " ", h("bdi", {}, entry.who.words)),
      this.#find,
      h("div", { class: "field" }, h("label", { for: "forward-to" }, say("forward_to")), this.#to, this.#trust, this.#check),
      h("div", { class: "field" }, h("label", { for: "forward-text" }, say("forward_text")), this.#text,
        h("p", { class: "hint", id: "forward-text-hint" }, say("forward_hint"))),
      this.#progress, this.#problem, h("div", { class: "foot" }, this.#cancel, this.#send));
    this.#dialog.append(this.#form);
    this.#words.addEventListener("input", () => this.#offer());
    this.#to.addEventListener("change", () => void this.#look());
    this.#cancel.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#left.abort();
      this.#dialog.remove();
    });
    onSubmit(this.#form, this.#problem, () => this.#forward());
  }

  async open() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    try {
      this.#boxes = (await directory()).filter(({ id }) => id !== this.entry.data.mailbox_id);
      this.#find.hidden = this.#boxes.length <= FEW;
      this.#offer();
      (this.#find.hidden ? this.#to : this.#words).focus();
      if (!this.#boxes.length) this.#problem.textContent = say("forward_nobody");
    } catch (error) {
      this.#problem.textContent = inWords(error);
    }
  }

  #offer() {
    const sought = this.#words.value.trim().toLocaleLowerCase();
    const fits = this.#boxes.filter((box) => nameOf(box).toLocaleLowerCase().includes(sought));
    const before = this.#to.value;
    this.#to.replaceChildren(...fits.slice(0, OFFERED).map((box) => h("option", { value: box.id }, nameOf(box))));
    this.#to.value = fits.some(({ id }) => id === before) ? before : fits.length === 1 ? fits[0]?.id ?? "" : "";
    this.#to.size = Math.max(2, Math.min(6, fits.length));
    void this.#look();
  }

  get #chosen() {
    return this.#boxes.find(({ id }) => id === this.#to.value) ?? null;
  }

  /** Tell what is to be known of the chosen mailbox's key. */
  async #look() {
    const box = this.#chosen;
    this.#checked.checked = false;
    const told = box && await trust(box);
    const print = box ? await fingerprint(box.public) : "";
    if (box !== this.#chosen) return;
    this.#check.hidden = told !== "other";
    this.#trust.classList.toggle("warn", told === "other" || told === "open");
    this.#print.textContent = print;
    this.#trust.replaceChildren(...(told ? [say(`forward_${told}`), " ", this.#print] : []));
  }

  async #forward() {
    let box = this.#chosen;
    if (!box) throw new Error(say("forward_choose"));
    for (let tries = 0; tries < TRIES; tries += 1) {
      await this.#mayGo(box);
      try {
        await this.#sendTo(box);
        return this.#done(box);
      } catch (error) {
        if (this.#left.signal.aborted) return undefined;
        if (!(error instanceof api.ApiError) || error.word !== "old key") throw error;
      }
      const now = await again(box);
      if (!now) throw new Error(say("forward_gone"));
      this.#boxes = this.#boxes.map((each) => (each.id === now.id ? now : each));
      box = now;
      this.#checked.checked = false;
    }
    throw new Error(say("forward_key"));
  }

  /**
   * Nothing is sealed to a key that took another's place unless somebody has looked.
   * @param {Listed} box
   */
  async #mayGo(box) {
    const told = await trust(box);
    if (told === "other" && !this.#checked.checked) {
      await this.#look();
      throw new Error(say("forward_unchecked"));
    }
    if (told !== "open") await vault.compared(box.id, box.epoch, box.public);
  }

  /** @param {Listed} box */
  async #sendTo(box) {
    const { data, opened } = this.entry;
    const row = data.notes.find(({ id }) => id === this.noteId);
    if (!row || !opened.call) throw new Error(say("note_gone"));
    this.#progress.hidden = false;
    this.#cancel.disabled = false; // it stops what is under way
    const note = await whole(this.keyring, data.mailbox_id, row, false);
    const forwarded = {
      by: this.myName, mailbox: data.mailbox_name, extension: data.extension, at: new Date().toISOString(),
      text: this.#text.value.replace(/\p{Cc}+/gu, " ").trim(),
    };
    const recipient = { mailboxId: box.id, publicKey: fromBase64url(box.public) };
    const made = await resealed({ call: opened.call, reason: data.reason, note, forwarded }, recipient);
    await upload(box.id, this.noteId, made, (done) => { this.#progress.value = done; }, this.#left.signal);
  }

  /** @param {Listed} box */
  #done(box) {
    const close = h("button", { type: "button" }, say("close"));
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.replaceChildren(
      h("h2", { id: "forward-title" }, say("forwarded_title")),
      h("p", { role: "status" }, say("forwarded_to", { name: nameOf(box) })), h("div", { class: "foot" }, close));
    close.focus();
  }
}
