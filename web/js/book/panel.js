/** The address book in a dialog: who stands in it, and what is done with all of it. */

import { h } from "../dom.js";
import { inWords } from "../refusal.js";
import { haystack, matches, parse } from "../search.js";
import { save } from "../save.js";
import { locale, say } from "../words.js";
import { editContact } from "./edit.js";
import { readContacts, summaryOf } from "./import.js";
import { writeVcards } from "./vcard.js";

/**
 * @typedef {import("./book.js").AddressBook} AddressBook
 * @typedef {import("./contact.js").Contact} Contact
 */

/** People who are drawn at once; who is looked for is found by name or number. */
const STEP = 50;

const number = new Intl.NumberFormat(locale);

export class BookDialog {
  #book;
  #count = h("p", { role: "status" });
  #people = h("ul", { class: "people" });
  #more = h("button", { type: "button", class: "link" }, say("show_more"));
  #words = h("input", { id: "book-words", type: "search", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 120 });
  #file = h("input", { type: "file", id: "book-file", class: "quietly", accept: ".vcf,.vcard,.csv,.txt,text/vcard,text/csv", tabindex: -1, "aria-hidden": "true" });
  #bar = h("progress", { hidden: true, max: 1, "aria-label": say("import_reading") });
  #brought = h("div", { class: "brought", hidden: true });
  #problem = h("p", { class: "problem", role: "alert" });
  #foreign = h("p", { class: "problem foreign", role: "alert" });
  #add = h("button", { type: "button", class: "quiet" }, say("new_contact"));
  #import = h("button", { type: "button", class: "quiet" }, say("book_import"));
  #export = h("button", { type: "button", class: "quiet" }, say("book_export"));
  #clear = h("button", { type: "button", class: "quiet" }, say("book_clear"));
  #close = h("button", { type: "button" }, say("close"));
  #dialog = h("dialog", { class: "book", "aria-labelledby": "book-title" });
  #most = STEP;
  #draw = () => this.#show();

  /** @param {AddressBook} book */
  constructor(book) {
    this.#book = book;
    this.#dialog.append(
      h("h2", { id: "book-title" }, say("address_book")), h("p", { class: "hint" }, say("book_hint")),
      h("div", { class: "tools" }, this.#add, this.#import, this.#file, this.#export, this.#clear),
      this.#foreign, this.#bar, this.#brought, this.#problem,
      h("div", { class: "field" }, h("label", { for: "book-words" }, say("book_find")), this.#words),
      this.#count, this.#people, this.#more, h("div", { class: "foot" }, this.#close));
    this.#add.addEventListener("click", () => void editContact(book, null));
    this.#import.addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => void this.#read());
    this.#export.addEventListener("click", () => this.#hand());
    this.#clear.addEventListener("click", () => this.#sure());
    this.#words.addEventListener("input", () => {
      this.#most = STEP;
      this.#show();
    });
    this.#more.addEventListener("click", () => {
      const first = this.#most;
      this.#most += STEP;
      this.#show();
      this.#people.children[first]?.querySelector("button")?.focus();
    });
    this.#close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      book.removeEventListener("changed", this.#draw);
      this.#dialog.remove();
    });
    book.addEventListener("changed", this.#draw);
  }

  open() {
    this.#show();
    document.body.append(this.#dialog);
    this.#dialog.showModal();
  }

  #show() {
    const query = parse(this.#words.value);
    const found = this.#book.contacts.filter((each) => !query.length || each.numbers.concat("").some((one) => matches(haystack({ name: each.name, number: one }), query)));
    const all = this.#book.contacts.length;
    this.#count.textContent = query.length ? say("book_found", { n: number.format(found.length), all: number.format(all) })
      : all === 1 ? say("book_one") : say("book_n", { n: number.format(all) });
    this.#people.replaceChildren(...found.slice(0, this.#most).map((each) => this.#line(each)));
    this.#more.hidden = found.length <= this.#most;
    this.#export.disabled = !all;
    this.#clear.disabled = !all && !this.#book.problem;
    this.#foreign.textContent = this.#book.problem ?? "";
  }

  /** @param {Contact} one */
  #line(one) {
    const edit = h("button", { type: "button", class: "link", "aria-label": say("edit_of", { name: one.name }) }, say("edit"));
    edit.addEventListener("click", () => void editContact(this.#book, one).then((saved) => {
      if (saved) this.#words.focus(); // the line may be gone, or another
    }));
    return h("li", {}, h("bdi", { class: "name" }, one.name), h("span", { class: "numbers" }, ...one.numbers.flatMap((each, i) => [i ? ", " : "", h("bdi", { dir: "ltr" }, each)])),
      edit, one.note && h("bdi", { class: "note" }, one.note));
  }

  async #read() {
    const [file] = this.#file.files ?? [];
    this.#file.value = ""; // the same file can be chosen again
    if (!file) return;
    await this.#try(async () => {
      Object.assign(this.#bar, { hidden: false, value: 0 });
      const taking = await readContacts(this.#book, file, (progress) => { this.#bar.value = progress; });
      const before = this.#book.contacts;
      const brings = taking.fresh + taking.more > 0;
      const take = h("button", { type: "button", disabled: !brings }, say("import_take"));
      const not = h("button", { type: "button", class: "quiet" }, say(brings ? "cancel" : "close"));
      const away = () => {
        this.#brought.hidden = true;
        this.#import.focus();
      };
      not.addEventListener("click", away);
      take.addEventListener("click", () => void this.#try(async () => {
        // What was read is added to the book as it was; a change that came meanwhile stands.
        await this.#book.save((now) => (now === before ? taking.contacts : taking.addedTo(now)));
        away();
        this.#count.textContent = say("import_done", { n: number.format(taking.fresh + taking.more) });
      }));
      const title = h("h3", { tabindex: -1 }, say("import_title"));
      this.#brought.replaceChildren(title, summaryOf(taking), h("div", { class: "foot" }, not, take));
      this.#brought.hidden = false;
      title.focus();
    });
    this.#bar.hidden = true;
  }

  #hand() {
    const address = URL.createObjectURL(new Blob([writeVcards(this.#book.contacts)], { type: "text/vcard;charset=utf-8" }));
    save(address, "aftertone-address-book.vcf");
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  #sure() {
    const yes = h("button", { type: "button" }, say("book_clear"));
    const no = h("button", { type: "button", class: "quiet" }, say("cancel"));
    const title = h("h3", { tabindex: -1 }, say("book_clear_sure", { n: number.format(this.#book.contacts.length) }));
    const away = () => {
      this.#brought.hidden = true;
      this.#add.focus();
    };
    no.addEventListener("click", away);
    yes.addEventListener("click", () => void this.#try(async () => {
      await this.#book.save(() => []);
      away();
    }));
    this.#brought.replaceChildren(title, h("div", { class: "foot" }, no, yes));
    this.#brought.hidden = false;
    no.focus();
  }

  /** @param {() => Promise<void>} work */
  async #try(work) {
    this.#problem.textContent = "";
    try {
      await work();
    } catch (error) {
      this.#problem.textContent = inWords(error);
    }
  }
}
