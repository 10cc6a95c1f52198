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
    try {
      for (let at = 0; at < ids.length; at += MOST) {
        const some = ids.slice(at, at + MOST);
        if (act === "erase") {
          await api.post("rows/erase", { ids: some }); // its news tell the page which of them are gone by now
        } else {
          await api.post("rows/deleted", { ids: some, deleted: act === "delete" });
          list.setDeleted(some, act === "delete" ? new Date().toISOString() : null);
        }
      }
      const told = counted(act, ids.length);
      said.textContent = told;
      if (act === "delete") bar().offer(told, () => void carryOut("restore", ids));
    } catch (error) {
      fell(error);
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
