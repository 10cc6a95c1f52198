/** Who calls: names from my address book in the rows, what is known of a call, naming and erasing its caller. */

import { AddressBook } from "./book/book.js";
import { editContact } from "./book/edit.js";
import { BookDialog } from "./book/panel.js";
import { CallDetails } from "./details.js";
import { eraseCaller } from "./erasing.js";
import { callsOf } from "./history.js";
import { CallList } from "./list.js";
import { CallRow } from "./row.js";

/**
 * @param {CallList} list
 * @param {AddressBook} book
 * @param {HTMLElement} button opens the address book
 * @param {{by: string, several: () => boolean, erased: () => void}} how by: my name; erased: called when a caller was
 */
export function tellOfCallers(list, book, button, { by, several, erased }) {
  /** @param {CallRow} row */
  const fill = (row) => {
    const entry = list.entry(row.dataset.id ?? "");
    const { complete, capped } = list.reading;
    if (entry) row.details?.show(entry, callsOf(list.entries, entry), { several: several(), complete: complete && !capped });
  };

  /** @param {Event} event */
  const entryOf = (event) => {
    const row = event.target instanceof CallDetails ? event.target.closest("call-row") : null;
    return list.entry(/** @type {CallRow | null} */ (row)?.dataset.id ?? "");
  };

  list.addEventListener("details", (event) => fill(/** @type {CustomEvent<CallRow>} */ (event).detail));
  list.addEventListener("view", () => {
    for (const details of list.querySelectorAll("call-details")) fill(/** @type {CallRow} */ (details.closest("call-row")));
  });
  list.addEventListener("name-caller", (event) => {
    const entry = entryOf(event);
    if (entry) void editContact(book, entry.who.contact, { name: entry.who.name, number: entry.who.number });
  });
  list.addEventListener("erase-caller", (event) => {
    const entry = entryOf(event);
    if (entry) eraseCaller(list, book, entry, { by, after: erased });
  });
  book.addEventListener("changed", () => list.rename(book.names));
  button.addEventListener("click", () => new BookDialog(book).open());
  button.hidden = false;
}
