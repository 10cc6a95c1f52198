/** What the keyboard can do here, by "?" or by its button, and the switch for single characters. */

import { h } from "./dom.js";
import { charactersAct, letCharactersAct } from "./habits.js";
import { isCommand, KEYS } from "./shortcuts.js";
import { say } from "./words.js";

/**
 * Fires `characters` at the document when their switch was moved.
 * @param {HTMLElement} button opens it without the keyboard, and when single characters do nothing
 */
export function offerHelp(button) {
  button.hidden = false;
  button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || !charactersAct() || !isCommand(event)) return;
    event.preventDefault();
    open();
  });
}

function open() {
  const lines = KEYS.map(({ keys, does, character }) => ({
    character,
    element: h("div", {}, h("dt", {}, ...keys.flatMap((key) => [h("kbd", {}, key), " "])), h("dd", {}, say(does))),
  }));
  const act = h("input", { type: "checkbox", "aria-describedby": "keys-hint" });
  const show = () => {
    act.checked = charactersAct();
    for (const { element, character } of lines) element.classList.toggle("off", character && !act.checked);
  };
  act.addEventListener("change", () => {
    letCharactersAct(act.checked);
    document.dispatchEvent(new CustomEvent("characters"));
    show();
  });
  const close = h("button", { type: "button" }, say("close"));
  const dialog = h("dialog", { "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, say("keys_title")),
    h("dl", { class: "keys" }, ...lines.map(({ element }) => element)),
    h("label", { class: "switch" }, act, say("keys_single")),
    h("p", { id: "keys-hint", class: "hint" }, say("keys_hint")),
    h("div", { class: "foot" }, close));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  show();
  document.body.append(dialog);
  dialog.showModal();
}
