/** "Erase this caller": what goes is told, then done in steps, and a record of it can be kept. */

import * as api from "./api.js";
import { asKey } from "./book/contact.js";
import { h } from "./dom.js";
import { planOf, recordOf, shareInWords } from "./erasure.js";
import { CallList } from "./list.js";
import { inWords } from "./refusal.js";
import { save } from "./save.js";
import { toHex } from "./seal/bytes.js";
import { say } from "./words.js";

/**
 * @typedef {import("./shelf.js").Entry} Entry
 * @typedef {import("./book/book.js").AddressBook} AddressBook
 */

/** Rows of one request; the server's limit. */
const MOST = 200;

/**
 * @param {CallList} list
 * @param {AddressBook} book
 * @param {Entry} entry
 * @param {{by: string, after: () => void}} how by: who does it; after: called when it is done
 */
export function eraseCaller(list, book, entry, { by, after }) {
  const title = h("h2", { id: "erasing-title" }, say("erasing_title"));
  const what = h("div", { id: "erasing-what", class: "what" });
  const contact = h("input", { type: "checkbox", id: "erasing-contact" });
  const choice = h("label", { class: "switch", hidden: !entry.who.contact }, contact, say("erasing_contact", { name: entry.who.contact?.name ?? "" }));
  const bar = h("progress", { hidden: true, "aria-label": say("erasing_title") });
  const status = h("p", { role: "status" });
  const problem = h("p", { class: "problem", role: "alert" });
  const go = h("button", { type: "button" });
  const keep = h("button", { type: "button", class: "quiet", hidden: true }, say("record_save"));
  const close = h("button", { type: "button", class: "quiet" }, say("cancel"));
  const dialog = h("dialog", { class: "erasing", "aria-labelledby": "erasing-title", "aria-describedby": "erasing-what" },
    title, what, choice, bar, status, problem, h("div", { class: "foot" }, close, keep, go));
  /** @type {import("./erasure.js").Plan} */
  let plan = planOf(list.entries, entry);
  let busy = false;

  const look = () => {
    if (busy) return;
    const { complete, capped } = list.reading;
    plan = planOf(list.entries, entry);
    const numbers = h("p", {}, say("erasing_numbers"), " ", ...plan.numbers.flatMap((number, i) => [i ? ", " : "", h("bdi", { dir: "ltr" }, number)]));
    what.replaceChildren(
      h("p", {}, say("erasing_counts", { calls: plan.calls, notes: plan.notes })),
      h("ul", {}, ...plan.shares.map((share) => h("li", {}, h("bdi", {}, shareInWords(share))))), numbers,
      h("p", {}, say("erasing_why")),
      ...(plan.speaking ? [h("p", {}, say("erasure_speaking", { n: plan.speaking }))] : []),
      ...(complete ? [] : [h("p", { class: "hint" }, say("erasing_reading"))]),
      ...(capped ? [h("p", { class: "hint" }, say("erasing_capped"))] : []));
    go.textContent = plan.calls === 1 ? say("erasing_go_one") : say("erasing_go_n", { n: plan.calls });
    go.disabled = !complete || (!plan.calls && !entry.who.contact);
  };

  /** One wish: in the mailbox's log it is one line, however many steps it takes. */
  const erasure = toHex(crypto.getRandomValues(new Uint8Array(16)));
  let removed = 0;

  async function carryOut() {
    busy = true;
    go.disabled = true;
    close.disabled = true;
    contact.disabled = true;
    problem.textContent = "";
    Object.assign(bar, { hidden: false, max: Math.max(1, plan.ids.length), value: 0 });
    try {
      for (let at = 0; at < plan.ids.length; at += MOST) {
        removed += (await api.post("rows/erase", { ids: plan.ids.slice(at, at + MOST), erasure })).changed;
        bar.value = Math.min(at + MOST, plan.ids.length);
      }
      const person = entry.who.contact;
      const gone = contact.checked && person !== null;
      if (gone) await book.save((contacts) => contacts.filter((each) => asKey(each) !== asKey(person)));
      finish(gone);
    } catch (error) {
      // What is gone is gone; asked again, it goes on with the rest.
      problem.textContent = inWords(error);
      go.disabled = false;
      go.focus();
    } finally {
      close.disabled = false;
      bar.hidden = true;
    }
  }

  /** @param {boolean} gone the contact */
  function finish(gone) {
    const at = new Date();
    title.textContent = say("erasing_done_title");
    what.replaceChildren();
    choice.hidden = true;
    status.textContent = say("erasing_done", { n: removed, of: plan.calls }) + (gone ? ` ${say("record_contact")}` : "");
    const text = recordOf(plan, { removed, contact: gone, by, at, server: location.host });
    keep.addEventListener("click", () => keepRecord(text, at));
    keep.hidden = false;
    go.hidden = true;
    close.textContent = say("close");
    keep.focus();
    after();
  }

  go.addEventListener("click", () => void carryOut());
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("cancel", (event) => {
    if (close.disabled) event.preventDefault();
  });
  list.addEventListener("view", look);
  dialog.addEventListener("close", () => {
    list.removeEventListener("view", look);
    dialog.remove();
  });
  look();
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

/**
 * @param {string} text
 * @param {Date} at
 */
function keepRecord(text, at) {
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/plain;charset=utf-8" }));
  save(address, `aftertone-erased-${at.toISOString().slice(0, 10)}.txt`);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
