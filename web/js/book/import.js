/** A file of contacts, read in this page: what it brings is told before anything is saved. */

import { h } from "../dom.js";
import { locale, say } from "../words.js";
import { contactsIn, MOST_FILE } from "./file.js";
import { Taking } from "./taking.js";

/** @typedef {import("./book.js").AddressBook} AddressBook */

/** Milliseconds of reading at a time: the page must go on hearing its keys. */
const SLICE_MS = 25;

/** New people whose names are shown, so that one sees whether they are read right. */
const SHOWN = 5;

const number = new Intl.NumberFormat(locale);

/**
 * @param {AddressBook} book
 * @param {File} file
 * @param {(progress: number) => void} tell from 0 to 1
 * @returns {Promise<Taking>}
 * @throws {Error} for people
 */
export async function readContacts(book, file, tell) {
  if (file.size > MOST_FILE) throw new Error(say("import_too_large", { n: MOST_FILE / 1024 / 1024 }));
  const { length, found } = contactsIn(new Uint8Array(await file.arrayBuffer()));
  const taking = new Taking(book.contacts);
  let until = performance.now() + SLICE_MS;
  let some = false;
  for (const each of found) {
    some = true;
    taking.add(each);
    if (performance.now() < until) continue;
    tell(each.at / Math.max(1, length));
    await new Promise((resolve) => { setTimeout(resolve, 0); });
    until = performance.now() + SLICE_MS;
  }
  if (!some) throw new Error(say("import_nothing"));
  tell(1);
  return taking;
}

/**
 * What a file brings, in words.
 * @param {Taking} taking
 * @returns {HTMLElement}
 */
export function summaryOf({ fresh, more, known, skipped, names }) {
  const n = (/** @type {number} */ value) => number.format(value);
  const passed = [
    skipped.no_number && say("skipped_no_number", { n: n(skipped.no_number) }),
    skipped.no_name && say("skipped_no_name", { n: n(skipped.no_name) }),
    skipped.unfinished && say("skipped_unfinished", { n: n(skipped.unfinished) }),
    skipped.unclosed && say("import_unclosed", { n: n(skipped.unclosed) }),
    skipped.full && say("skipped_full", { n: n(skipped.full) }),
  ].filter(Boolean);
  const lines = [say("import_fresh", { n: n(fresh) }), more && say("import_more", { n: n(more) }), known && say("import_known", { n: n(known) }), ...passed];
  return h("div", {}, h("ul", { class: "summary" }, ...lines.filter(Boolean).map((line) => h("li", {}, String(line)))),
    names.length > 0 && h("p", { class: "hint" }, say("import_such_as"), " ",
      ...names.slice(0, SHOWN).flatMap((name, i) => [i ? ", " : "", h("bdi", {}, name)]), names.length > SHOWN ? " …" : ""));
}
