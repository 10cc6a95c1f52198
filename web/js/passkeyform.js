/** The way in by passkey, beside every form that asks for a passphrase: one button, or why there is none. */

import { h, onSubmit } from "./dom.js";
import { whyNone } from "./passkey.js";
import { say } from "./words.js";

/**
 * @param {(tell: (text: string) => void) => Promise<void>} work throws Error whose message is for people; tell: what
 *   somebody should do meanwhile
 * @returns {HTMLElement}
 */
export function passkeyForm(work) {
  const why = whyNone();
  if (why) return h("p", { class: "hint" }, why);
  const problem = h("p", { class: "problem", role: "alert" });
  const told = h("p", { class: "hint", role: "status" });
  const form = h("form", { class: "touch" }, h("p", { class: "or", "aria-hidden": "true" }, say("or")), problem, told,
    h("button", { type: "submit", class: "quiet" }, say("passkey_use")));
  onSubmit(form, problem, async () => {
    try {
      await work((text) => { told.textContent = text; });
    } finally {
      told.textContent = "";
    }
  });
  return form;
}
