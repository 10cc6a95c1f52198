/** What stands where no row does: who has none reads something else than who finds none. */

import { h } from "./dom.js";
import { say } from "./words.js";

/**
 * @param {{waits: boolean, print: string, filter: import("./filters.js").Filter, sought: boolean, looking: boolean,
 *   clear: () => void}} why waits: no member has let me in yet; print: the fingerprint of my own key, which I tell him;
 *   looking: more rows may come
 * @returns {HTMLElement}
 */
export function nothing({ waits, print, filter, sought, looking, clear }) {
  if (waits) {
    return h("div", { class: "empty" }, h("p", {}, say("waiting")),
      h("p", { class: "key" }, say("your_key"), " ", h("span", { class: "print" }, print)), h("p", {}, say("tell_key")));
  }
  const everything = filter.show === "all" && !filter.mailbox;
  if (everything && !sought) return h("p", { class: "empty" }, say("empty"));
  if (looking) return h("p", { class: "empty" }, say("looking"));
  const word = sought ? "found_nothing" : filter.show === "all" ? "none_in_box" : /** @type {const} */ (`none_${filter.show}`);
  const button = h("button", { type: "button", class: "quiet" }, say(sought && everything ? "clear_search" : "show_all"));
  button.addEventListener("click", clear);
  return h("div", { class: "empty" }, h("p", {}, say(word)), h("p", { class: "way" }, button));
}
