/** One more question, before what nobody can take back. */

import { h } from "./dom.js";
import { say } from "./words.js";

/**
 * @param {string} title
 * @param {string[]} why
 * @param {string} yes what the button says that does it
 * @returns {Promise<boolean>}
 */
export function sure(title, why, yes) {
  const does = h("button", { type: "button" }, yes);
  const no = h("button", { type: "button", class: "quiet" }, say("cancel"));
  const dialog = h("dialog", { "aria-labelledby": "sure-title", "aria-describedby": "sure-why" },
    h("h2", { id: "sure-title" }, title), h("div", { id: "sure-why" }, ...why.map((each) => h("p", {}, each))),
    h("div", { class: "foot" }, no, does));
  does.addEventListener("click", () => dialog.close("yes"));
  no.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
