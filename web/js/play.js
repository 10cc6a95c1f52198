/** From a press on a note's strip to its sound. */

import { fileName } from "./save.js";
import { playable } from "./sound.js";

/**
 * @typedef {{id: string, at: number, damaged?: boolean, seek?: boolean}} Wish at: seconds; damaged: play
 *   what is left of it; seek: go there, do not stop
 */

/**
 * Play, pause or seek the note; what goes wrong is told at its strip, and thrown where there is none.
 * @param {import("./player.js").NotePlayer} player
 * @param {import("./keyring.js").Keyring} keyring
 * @param {import("./shelf.js").Entry} entry the row that has the note
 * @param {Wish} wish
 */
export async function play(player, keyring, entry, { id, at, damaged = false, seek = false }) {
  const note = entry.data.notes.find((each) => each.id === id);
  const opened = entry.opened.notes.get(id);
  if (!note || !opened) return;
  if (player.state.id === id && !damaged) {
    if (seek) player.seek(at);
    else player.toggle();
    return;
  }
  const strip = [...entry.element?.strips ?? []].find((each) => each.dataset.id === id);
  strip?.complain(null);
  try {
    await player.play(
      { id, who: entry.who.words, seconds: opened.seconds, peaks: opened.peaks,
        file: fileName(entry.data.extension, note.started_at),
        fetch: (partly) => playable(keyring, entry.data.mailbox_id, note, partly) },
      { at, damaged },
    );
  } catch (error) {
    if (!strip) throw error; // its row is further down than what is drawn
    strip.complain(error);
  }
}
