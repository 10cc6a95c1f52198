/** Taking a call, giving it back, having done with it: what is asked, and who was quicker. */

import { bar } from "./bar.js";
import { insteadOf } from "./handling.js";
import { CallList } from "./list.js";
import { Marks } from "./marks.js";
import { sure } from "./sure.js";
import { since } from "./when.js";
import { say } from "./words.js";

/** @typedef {import("./api.js").Handling} Handling */

/**
 * Do what the rows ask for.
 * @param {CallList} list fires `handle`
 * @param {Marks} marks
 * @param {import("./api.js").Me["user"]} me
 * @param {HTMLElement} said where it is told politely
 * @param {(error: unknown) => void} fell
 */
export function takeFrom(list, marks, me, said, fell) {
  /**
   * @param {string} id
   * @param {Handling["state"]} state
   */
  async function carryOut(id, state) {
    const seen = list.entry(id)?.data.handling;
    if (!seen || (state === "taken" && seen.state === "taken" && !(await meant(seen)))) return;
    bar().hide();
    const mine = state !== "open";
    const wished = { state, user_id: mine ? me.id : null, user: mine ? me.name : null, mine, at: mine ? new Date().toISOString() : null };
    await marks.handle(id, wished, seen);
    list.setHandling(id, wished);
    const entry = list.entry(id);
    if (entry) said.textContent = say(`said_${state}`, { who: entry.who.words });
    await marks.send();
  }

  /**
   * Show rows as they are instead, and say so.
   * @param {string[]} ids
   */
  async function giveIn(ids) {
    await Promise.all(ids.map((id) => list.update(id)));
    const lost = ids.map((id) => list.entry(id)).filter((entry) => entry !== undefined && !entry.data.handling.mine);
    const [only] = lost;
    if (!only) return;
    const told = lost.length > 1 ? say("lost_n", { n: lost.length }) : say("lost_one", { who: only.who.words, how: insteadOf(only.data.handling) });
    bar().tell(told);
    said.textContent = told;
  }

  list.addEventListener("handle", (event) => {
    const { id, state } = /** @type {CustomEvent<{id: string, state: Handling["state"]}>} */ (event).detail;
    carryOut(id, state).catch(fell);
  });
  marks.addEventListener("handled", (event) => {
    const { row, handling } = /** @type {CustomEvent<{row: string, handling: Handling}>} */ (event).detail;
    list.setHandling(row, handling);
  });
  marks.addEventListener("lost", (event) => {
    giveIn(/** @type {CustomEvent<string[]>} */ (event).detail).catch(fell);
  });
}

/**
 * Whether somebody means to take a call from who has it.
 * @param {Handling} seen
 */
function meant({ user, at }) {
  const who = user ?? say("log_somebody");
  return sure(say("over_title", { who }), [say("over_why", { who, when: at ? since(new Date(at)) : "" })], say("take_over"));
}
