/** Fields for secrets, the same wherever one is asked for. */

import { h } from "./dom.js";
import { say } from "./words.js";

/**
 * A field for a passphrase with a button that shows what was typed.
 * @param {string} label
 * @param {Record<string, string | number | boolean>} attributes id and autocomplete above all
 * @param {{twin?: HTMLInputElement, more?: Node[]}} [beside] twin: an input for the same once more, shown with it;
 *   more: hints below
 */
export function passphraseField(label, attributes, { twin, more = [] } = {}) {
  const input = h("input", { type: "password", required: true, autocapitalize: "none", spellcheck: "false", ...attributes });
  const button = h("button", { type: "button", class: "link reveal" }, say("show_passphrase"));
  const show = (/** @type {boolean} */ shown) => {
    for (const each of twin ? [input, twin] : [input]) each.type = shown ? "text" : "password";
    button.textContent = say(shown ? "hide_passphrase" : "show_passphrase");
  };
  button.addEventListener("click", () => {
    // Sent hidden: password managers know it by its type, and it does not stay on the screen.
    button.form?.addEventListener("submit", () => show(false), { once: true });
    show(input.type === "password");
  });
  return { input, field: h("div", { class: "field secret" }, h("label", { for: input.id }, label), input, button, ...more) };
}

/**
 * A field for a recovery code, which is too long for one line of a telephone.
 * @param {string} id
 * @param {...Node} more hints below
 */
export function codeField(id, ...more) {
  const input = h("textarea", { id, class: "code", rows: 2, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", required: true });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    input.form?.requestSubmit();
  });
  return { input, field: h("div", { class: "field" }, h("label", { for: id }, say("recovery_code")), input, ...more) };
}
