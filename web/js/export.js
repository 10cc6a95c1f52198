/** Taking notes out, sealed with age to somebody's key or to a passphrase: one, or all that are found. */

import { archive, estimate } from "./archive.js";
import { FieldError, h, onSubmit } from "./dom.js";
import { Keyring } from "./keyring.js";
import { CallList } from "./list.js";
import { newPassphrase } from "./newpassphrase.js";
import { fileName, save } from "./save.js";
import { whole } from "./sound.js";
import { locale, say } from "./words.js";

/**
 * @typedef {import("./archive.js").Call} Call
 * @typedef {import("./archive.js").Done} Done
 */

/** Largest archive, about: whoever has more takes it in parts. Browsers keep no larger ones for a page. */
const MOST_BYTES = 2 ** 31;

/** How long a finished file is kept for a browser that asks where to put it. */
const KEPT_MS = 120_000;

const size = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 });

/**
 * Do what the menu of a note and the search ask for.
 * @param {CallList} list fires `export-note`
 * @param {EventTarget} finder fires `export`
 * @param {Keyring} keyring
 */
export function exportFrom(list, finder, keyring) {
  list.addEventListener("export-note", (event) => {
    const id = /** @type {CustomEvent<string>} */ (event).detail;
    const entry = list.entryOf(id);
    if (!entry) return;
    const { data, opened } = entry;
    const one = { data: { ...data, notes: data.notes.filter((note) => note.id === id) }, opened };
    new ExportDialog([one], keyring, fileName(data.extension, one.data.notes[0]?.started_at ?? "")).open();
  });
  finder.addEventListener("export", () => {
    const calls = list.foundEntries.map(({ data, opened }) => ({ data, opened }));
    new ExportDialog(calls, keyring, fileName("calls", new Date().toISOString())).open();
  });
}

class ExportDialog {
  #byKey = h("input", { type: "radio", name: "export-to", value: "key", checked: true });
  #byPhrase = h("input", { type: "radio", name: "export-to", value: "phrase" });
  #key = h("input", {
    id: "export-key", autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: "age1…", maxlength: 4000,
    "aria-describedby": "export-key-hint",
  });
  #phrase = newPassphrase(say("passphrase"));
  #keyField = h("div", { class: "field" }, h("label", { for: "export-key" }, say("export_key")), this.#key,
    h("p", { class: "hint", id: "export-key-hint" }, say("export_key_hint")));
  #phraseFields = h("div", { class: "fields", hidden: true }, ...this.#phrase.fields);
  #progress = h("progress", { max: 1, value: 0, "aria-label": say("exporting"), hidden: true });
  #told = h("p", { class: "hint", role: "status" });
  #problem = h("p", { class: "problem", role: "alert" });
  #start = h("button", { type: "submit" }, say("export"));
  #cancel = h("button", { type: "button", class: "quiet" }, say("cancel"));
  #form = h("form", {});
  #dialog = h("dialog", { class: "export", "aria-labelledby": "export-title" });
  #left = new AbortController();
  #lost = 0;

  /**
   * @param {Call[]} calls
   * @param {Keyring} keyring
   * @param {string} name ending in .wav
   */
  constructor(calls, keyring, name) {
    this.calls = calls;
    this.keyring = keyring;
    this.name = name.replace(/\.wav$/, ".tar.age");
    this.size = estimate(calls);
    const { calls: n, notes, bytes } = this.size;
    this.#form.append(
      h("h2", { id: "export-title" }, say("export_title")),
      h("p", {}, n === 1 && notes === 1 ? say("export_one", { size: inWords(bytes) }) : say("export_n", { n, notes, size: inWords(bytes) })),
      h("fieldset", { class: "ways" }, h("legend", { class: "quietly" }, say("export_to")),
        h("label", { class: "way" }, this.#byKey, say("export_by_key")), h("label", { class: "way" }, this.#byPhrase, say("export_by_phrase"))),
      this.#keyField, this.#phraseFields, h("p", { class: "hint" }, say("export_hint")),
      this.#progress, this.#told, this.#problem, h("div", { class: "foot" }, this.#cancel, this.#start));
    this.#dialog.append(this.#form);
    for (const radio of [this.#byKey, this.#byPhrase]) radio.addEventListener("change", () => this.#choose());
    this.#cancel.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#left.abort();
      this.#dialog.remove();
    });
    onSubmit(this.#form, this.#problem, () => this.#export());
  }

  open() {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#key.focus();
  }

  #choose() {
    this.#keyField.hidden = this.#byPhrase.checked;
    this.#phraseFields.hidden = !this.#byPhrase.checked;
  }

  async #export() {
    if (this.size.bytes > MOST_BYTES) throw new Error(say("export_too_much", { size: inWords(MOST_BYTES) }));
    const to = this.#byPhrase.checked ? { passphrase: this.#phrase.chosen() } : { recipient: this.#key.value.trim() };
    const age = await import("./age.js");
    let encrypter;
    try {
      encrypter = age.encrypterFor(to);
    } catch {
      throw new FieldError(say("export_no_key"), this.#key);
    }
    this.#progress.hidden = false;
    this.#cancel.disabled = false; // it stops what is under way
    const pieces = archive(this.calls, (call, note) => {
      this.#left.signal.throwIfAborted();
      return whole(this.keyring, call.data.mailbox_id, note, true, "exported");
    }, (done) => this.#show(done));
    try {
      this.#finish(await age.sealed(encrypter, pieces, this.#left.signal));
    } catch (error) {
      if (!this.#left.signal.aborted) throw error;
    }
  }

  /** @param {Done} done */
  #show({ notes, lost }) {
    this.#lost = lost;
    this.#progress.value = notes / Math.max(1, this.size.notes);
    if (this.size.notes > 1) this.#told.textContent = say("export_so_far", { done: notes, all: this.size.notes });
  }

  /** @param {Blob} blob */
  #finish(blob) {
    const address = URL.createObjectURL(blob);
    save(address, this.name);
    setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
    const close = h("button", { type: "button" }, say("close"));
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.replaceChildren(
      h("h2", { id: "export-title" }, say("exported_title")),
      h("p", { role: "status" }, say("exported", { name: this.name, size: inWords(blob.size) })),
      h("p", { class: "hint warn", hidden: !this.#lost }, say("export_lost", { n: this.#lost })),
      h("div", { class: "foot" }, close));
    close.focus();
  }
}

/** @param {number} bytes */
function inWords(bytes) {
  if (bytes < 1e6) return `${size.format(Math.max(1, Math.round(bytes / 1e3)))} kB`;
  return bytes < 1e9 ? `${size.format(bytes / 1e6)} MB` : `${size.format(bytes / 1e9)} GB`;
}
