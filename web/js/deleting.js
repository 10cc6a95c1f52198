/** Deleting calls, bringing them back, removing them for good: what the server is asked, and the way back. */

import * as api from "./api.js";
import { bar } from "./bar.js";
import { CallList } from "./list.js";
import { sure } from "./sure.js";
import { say } from "./words.js";

/** @typedef {"delete" | "restore" | "erase"} Act */

/** Rows of one request; the server's limit. */
const MOST = 200;

/**
 * Do what the list and the search ask for.
 * @param {CallList} list fires `remove`
 * @param {EventTarget} finder fires `all`
 * @param {HTMLElement} said where it is told politely
 * @param {(error: unknown) => void} fell
 */
export function deleteFrom(list, finder, said, fell) {
  /**
   * @param {Act} act
   * @param {string[]} ids
   */
  async function carryOut(act, ids) {
    bar().hide();
    if (act === "erase" && !(await meant(ids.length))) return;
    const { asked, changed, error } = await ask(act, ids);
    if (!error || changed) {
      const told = counted(act, changed);
      said.textContent = told;
      if (act === "delete" && changed) bar().offer(told, () => void carryOut("restore", ids.slice(0, asked)));
    }
    if (error) fell(error);
  }

  /**
   * Ask for all, as far as it goes. `changed` of the rows that were asked for needed it: another member may have been
   * faster.
   * @param {Act} act
   * @param {string[]} ids
   * @returns {Promise<{asked: number, changed: number, error?: unknown}>}
   */
  async function ask(act, ids) {
    let asked = 0;
    let changed = 0;
    try {
      while (asked < ids.length) {
        const some = ids.slice(asked, asked + MOST);
        const did = await request(act, some);
        asked += some.length;
        changed += did;
        if (did < some.length) await Promise.all(some.map((id) => list.update(id))); // only the server knows which
        else if (act !== "erase") list.setDeleted(some, act === "delete" ? new Date().toISOString() : null);
        // else its news tell the page which of them are gone by now
      }
      return { asked, changed };
    } catch (error) {
      return { asked, changed, error };
    }
  }

  list.addEventListener("remove", (event) => {
    const { id, deleted } = /** @type {CustomEvent<{id: string, deleted: boolean}>} */ (event).detail;
    void carryOut(deleted ? "delete" : "restore", [id]);
  });
  finder.addEventListener("all", (event) => {
    void carryOut(/** @type {CustomEvent<Act>} */ (event).detail, list.found)
      .then(() => list.closest("main")?.focus({ preventScroll: true })); // the button may be gone
  });
}

/**
 * How many rows the server has changed.
 * @param {Act} act
 * @param {string[]} ids
 * @returns {Promise<number>}
 */
async function request(act, ids) {
  const told = await (act === "erase" ? api.post("rows/erase", { ids })
    : api.post("rows/deleted", { ids, deleted: act === "delete" }));
  return told.changed;
}

/**
 * @param {Act} act
 * @param {number} n
 */
function counted(act, n) {
  if (act === "delete") return n === 1 ? say("deleted_one") : say("deleted_n", { n });
  if (act === "restore") return n === 1 ? say("restored_one") : say("restored_n", { n });
  return n === 1 ? say("erased_one") : say("erased_n", { n });
}

/**
 * Whether somebody means what nobody can take back.
 * @param {number} n
 */
function meant(n) {
  const one = n === 1;
  return sure(one ? say("erase_title_one") : say("erase_title_n", { n }), [say("erase_why")],
    one ? say("erase_one") : say("erase_n", { n }));
}
