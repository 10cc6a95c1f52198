/** The way from a note that has ended to the next one that nobody has heard. */

import { NotePlayer } from "./player.js";
import { NoteStrip } from "./strip.js";
import { say } from "./words.js";

/**
 * Down the list as it is shown now, as the eye goes; then back up from where it began.
 * @param {HTMLElement} list
 * @param {NotePlayer} player
 * @param {HTMLElement} said where it is told politely
 */
export function playOn(list, player, said) {
  /** Notes that were played here, and rows that nobody had heard before: their further notes wait as well. */
  const begun = new Set();
  const fresh = new WeakSet();

  player.addEventListener("began", (event) => {
    const id = /** @type {CustomEvent<string>} */ (event).detail;
    begun.add(id);
    const row = stripsOf(list).find((strip) => strip.dataset.id === id)?.closest(".unheard");
    if (row) fresh.add(row);
  });
  player.addEventListener("ended", (event) => {
    const strips = stripsOf(list);
    const here = strips.findIndex((strip) => strip.dataset.id === /** @type {CustomEvent<string>} */ (event).detail);
    const next = [...strips.slice(here + 1), ...strips.slice(0, Math.max(0, here)).reverse()].find((strip) => {
      const row = strip.closest("call-row");
      return strip.waits && !begun.has(strip.dataset.id) && row && (row.classList.contains("unheard") || fresh.has(row));
    });
    said.textContent = next ? say("next_note", { who: next.who }) : say("no_next");
    next?.ask();
  });
}

/**
 * @param {HTMLElement} list
 * @returns {NoteStrip[]}
 */
function stripsOf(list) {
  return [...list.querySelectorAll("note-strip")].filter((each) => each instanceof NoteStrip);
}
