/** Choosing a passphrase: two fields, and how strong it is. */

import { FieldError, h } from "./dom.js";
import { passphraseField } from "./fields.js";
import { SHORTEST, strength } from "./strength.js";
import { say } from "./words.js";

/**
 * @param {string} label
 * @returns {{first: HTMLInputElement, fields: HTMLElement[], chosen: () => string}} chosen throws FieldError for one
 *   that is too short or was not typed the same twice
 */
export function newPassphrase(label) {
  const meter = h("meter", { min: 0, max: 3, low: 1.5, high: 2.5, optimum: 3, value: 0, "aria-hidden": "true" });
  const verdict = h("span", { class: "hint", id: "strength", role: "status" });
  const second = h("input", { id: "again", type: "password", autocomplete: "new-password", required: true, autocapitalize: "none", spellcheck: "false" });
  const { input: first, field } = passphraseField(label,
    { id: "passphrase", autocomplete: "new-password", minlength: SHORTEST, "aria-describedby": "advice strength" },
    { twin: second, more: [h("p", { class: "hint", id: "advice" }, say("passphrase_hint")), h("div", { class: "strength" }, meter, verdict)] });
  first.addEventListener("input", () => {
    const level = strength(first.value);
    meter.value = level;
    verdict.textContent = first.value ? say(`strength_${level}`) : "";
  });
  const again = h("div", { class: "field" }, h("label", { for: "again" }, say("passphrase_again")), second);
  return {
    first,
    fields: [field, again],
    chosen() {
      if (strength(first.value) === 0) throw new FieldError(say("too_short"), first);
      if (first.value.normalize("NFKC") !== second.value.normalize("NFKC")) throw new FieldError(say("not_same"), second);
      return first.value;
    },
  };
}
