// Which key wishes what of the player, and what keys there are at all. Nothing here listens.

/** @typedef {import("./words.js").Word} Word */

/** @typedef {"toggle" | "back" | "forward" | "slower" | "faster" | "close"} Wish */

/** Seconds that one step goes. */
export const STEP_S = 5;

/** @type {Record<string, Wish>} */
const ANYWHERE = { " ": "toggle", ArrowLeft: "back", ArrowRight: "forward" };

/**
 * Letters and signs only beside a note or in the player: elsewhere they would act on who dictates to the page
 * (WCAG 2.1.4).
 * @type {Record<string, Wish>}
 */
const INSIDE = { k: "toggle", j: "back", l: "forward", "<": "slower", ">": "faster" };

/** What keeps its keys for itself: whoever types or chooses there does not mean the player. */
const TYPING = "input, textarea, select, dialog, [contenteditable], [role=slider], [role=textbox], [role=listbox], [role=menu]";

/**
 * Every key of the page, for its help; `character`: a single sign, which can be turned off (WCAG 2.1.4).
 * @type {readonly {keys: string[], does: Word, character: boolean}[]}
 */
export const KEYS = [
  { keys: ["/"], does: "key_find", character: true },
  { keys: ["Esc"], does: "key_escape", character: false },
  { keys: ["␣"], does: "key_toggle", character: false },
  { keys: ["←", "→"], does: "key_step", character: false },
  { keys: ["K"], does: "key_toggle_inside", character: true },
  { keys: ["J", "L"], does: "key_step_inside", character: true },
  { keys: ["<", ">"], does: "key_speed", character: true },
  { keys: ["Del"], does: "key_delete", character: false },
  { keys: ["T", "G"], does: "key_take", character: true },
  { keys: ["D", "O"], does: "key_done", character: true },
  { keys: ["?"], does: "key_help", character: true },
];

/** Whoever types here means text. */
const TEXT = "input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable]";

/**
 * Whether a key was pressed as a command to the page, not as text and not to a dialog.
 * @param {KeyboardEvent} event
 */
export function isCommand(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return false;
  return !document.querySelector("dialog[open]") && !(event.target instanceof Element && event.target.closest(TEXT));
}

/** What is pressed by the space bar. */
const PRESSED = "button, a[href], summary";

/**
 * @param {KeyboardEvent} event
 * @param {boolean} characters whether single characters are shortcuts
 * @returns {Wish | null}
 */
export function wishOf(event, characters) {
  const { key, target } = event;
  if (event.defaultPrevented || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return null;
  const at = target instanceof Element ? target : document.body;
  const inside = at.closest("note-player, note-strip") !== null;
  const letter = inside && characters ? INSIDE[key.toLowerCase()] ?? null : null;
  if (key === "Escape") return at.closest("note-player") ? "close" : null;
  if (at.matches("[role=slider]") && inside) return letter;
  if (at.closest(TYPING)) return null;
  if (key === " " && at.closest(PRESSED)) return null;
  return ANYWHERE[key] ?? letter;
}
