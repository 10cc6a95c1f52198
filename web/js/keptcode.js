/** A recovery code that nobody can make again: shown to its owner, who then types two groups of it. */

import { FieldError, h, onSubmit } from "./dom.js";
import { Enrolment } from "./identity.js";
import { say } from "./words.js";

/**
 * Show the code, ask for two of its eight groups, and go on when they are right.
 * @param {Enrolment} enrolment
 * @param {(step: number, ...children: Node[]) => void} show puts a step (2: the code, 3: the groups) where the last one was
 * @param {() => Promise<void>} send throws Error whose message is for people
 */
export function keepCode(enrolment, show, send) {
  const copied = h("span", { class: "hint", role: "status" });
  const copy = h("button", { type: "button", class: "quiet" }, say("copy"));
  copy.addEventListener("click", async () => {
    // Without leave to write there, the code still stands to be selected with one click.
    copied.textContent = await navigator.clipboard.writeText(enrolment.code).then(() => say("copied"), () => "");
  });
  const title = h("h2", { tabindex: -1 }, say("code_title"));
  const kept = h("button", { type: "button" }, say("code_kept"));
  kept.addEventListener("click", () => checkCode(enrolment, show, send));
  show(2, h("div", { class: "field" }, title, h("p", { class: "lead" }, say("code_why"))),
    h("ol", { class: "recovery" }, ...enrolment.groups.map((group, i) => h("li", { "data-n": i + 1 }, group))),
    h("div", { class: "tools" }, copy, copied), kept);
  title.focus();
}

/**
 * @param {Enrolment} enrolment
 * @param {(step: number, ...children: Node[]) => void} show
 * @param {() => Promise<void>} send
 */
function checkCode(enrolment, show, send) {
  const asked = twoOfEight();
  const inputs = asked.map((n) => h("input", { id: `group-${n}`, class: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 8, "data-group": n + 1 }));
  const problem = h("p", { class: "problem", role: "alert" });
  const again = h("button", { type: "button", class: "link" }, say("code_show"));
  again.addEventListener("click", () => keepCode(enrolment, show, send));
  const form = h("form", {},
    h("p", { class: "lead" }, say("code_check", { a: asked[0] + 1, b: asked[1] + 1 })),
    h("div", { class: "pair" }, ...asked.map((n, i) => h("div", { class: "field" },
      h("label", { for: `group-${n}` }, say("group_n", { n: n + 1 })), inputs[i]))),
    problem,
    h("button", { type: "submit" }, say("finish")), again);
  onSubmit(form, problem, async () => {
    const wrong = inputs.filter((input, i) => !enrolment.isGroup(/** @type {number} */ (asked[i]), input.value));
    if (wrong.length) throw new FieldError(say("code_wrong"), ...wrong);
    await send();
  });
  show(3, form);
  inputs[0]?.focus();
}

/**
 * Two different numbers of 0 to 7, in order.
 * @returns {[number, number]}
 */
function twoOfEight() {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint8Array(2));
  const first = a % 8;
  const other = (first + 1 + (b % 7)) % 8;
  return first < other ? [first, other] : [other, first];
}
