/** One contact, by hand. */

import { FieldError, h, onSubmit } from "../dom.js";
import { inWords } from "../refusal.js";
import { fold } from "../search.js";
import { say } from "../words.js";
import { asKey, cleanNumber, contact, LONGEST_NAME, LONGEST_NOTE } from "./contact.js";

/**
 * @typedef {import("./contact.js").Contact} Contact
 * @typedef {import("./book.js").AddressBook} AddressBook
 */

/** Names that are offered while one is typed; a browser draws no more. */
const OFFERED = 200;

/**
 * @param {AddressBook} book
 * @param {Contact | null} before null for somebody new
 * @param {{name: string, number: string}} [caller] whom the row tells
 * @returns {Promise<boolean>} whether something was saved
 */
export function editContact(book, before, caller = { name: "", number: "" }) {
  const name = h("input", {
    id: "contact-name", autocomplete: "off", spellcheck: "false", required: true, maxlength: LONGEST_NAME, list: before ? null : "contact-names",
    value: before?.name ?? caller.name,
  });
  const names = h("datalist", { id: "contact-names" }, ...book.contacts.slice(0, OFFERED).map((each) => h("option", { value: each.name })));
  const numbers = h("textarea", { id: "contact-numbers", rows: 3, autocomplete: "off", spellcheck: "false", inputmode: "tel", "aria-describedby": "contact-hint" });
  numbers.value = (before?.numbers ?? [caller.number]).join("\n");
  const note = h("input", { id: "contact-note", autocomplete: "off", spellcheck: "false", maxlength: LONGEST_NOTE, value: before?.note ?? "" });
  const problem = h("p", { class: "problem", role: "alert" });
  const cancel = h("button", { type: "button", class: "quiet" }, say("cancel"));
  const remove = h("button", { type: "button", class: "quiet", hidden: !before }, say("contact_remove"));
  const form = h("form", {},
    h("div", { class: "field" }, h("label", { for: "contact-name" }, say("contact_name")), name, names),
    h("div", { class: "field" }, h("label", { for: "contact-numbers" }, say("contact_numbers")), numbers, h("p", { id: "contact-hint", class: "hint" }, say("contact_hint"))),
    h("div", { class: "field" }, h("label", { for: "contact-note" }, say("contact_note")), note),
    problem, h("div", { class: "foot" }, remove, cancel, h("button", { type: "submit" }, say("contact_save"))));
  const dialog = h("dialog", { class: "contact", "aria-labelledby": "contact-title" },
    h("h2", { id: "contact-title" }, say(before ? "edit_contact" : "new_contact")), form);

  const without = (/** @type {readonly Contact[]} */ all) => (before ? all.filter((each) => asKey(each) !== asKey(before)) : [...all]);
  const close = (/** @type {string} */ how) => dialog.close(how);

  onSubmit(form, problem, async () => {
    const lines = numbers.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const bad = lines.find((line) => !cleanNumber(line));
    const made = contact({ name: name.value, numbers: lines, note: note.value });
    if (!made.name) throw new FieldError(say("contact_no_name"), name);
    if (bad !== undefined) throw new FieldError(say("contact_bad_number", { number: bad.slice(0, 60) }), numbers);
    if (!made.numbers.length) throw new FieldError(say("contact_no_number"), numbers);
    await book.save((all) => [...without(withOneMore(all, made, before)), ...(joins(all, made, before) ? [] : [made])]);
    close("saved");
  });
  remove.addEventListener("click", async () => {
    problem.textContent = "";
    remove.disabled = true;
    try {
      await book.save(without);
      close("saved");
    } catch (error) {
      problem.textContent = inWords(error);
    } finally {
      remove.disabled = false;
    }
  });
  cancel.addEventListener("click", () => close(""));
  document.body.append(dialog);
  dialog.showModal();
  name.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "saved");
    });
  });
}

/**
 * Whether somebody new is somebody who is there, with a further number.
 * @param {readonly Contact[]} all
 * @param {Contact} made
 * @param {Contact | null} before
 */
function joins(all, made, before) {
  return !before && all.some((each) => fold(each.name) === fold(made.name));
}

/**
 * @param {readonly Contact[]} all
 * @param {Contact} made
 * @param {Contact | null} before
 */
function withOneMore(all, made, before) {
  const at = joins(all, made, before) ? all.findIndex((each) => fold(each.name) === fold(made.name)) : -1;
  return all.map((each, i) => (i === at ? contact({ ...each, numbers: [...each.numbers, ...made.numbers], note: each.note || made.note }) : each));
}
