/** How somebody likes to listen and to work, remembered in this browser. */

/** @typedef {{speed: number, skip: boolean, onward: boolean}} Habits skip: silence; onward: to the next unheard note */

export const SPEEDS = [0.75, 1, 1.25, 1.5, 1.75, 2];

const KEY = "aftertone-listening";
const CHARACTERS = "aftertone-characters";

/** Whether single characters are shortcuts, where nothing is kept. */
let characters = true;

/** @returns {Habits} */
export function load() {
  try {
    return read(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  } catch {
    return read({}); // a browser that keeps nothing, or what somebody else left there
  }
}

/** @param {Habits} habits */
export function keep(habits) {
  try {
    localStorage.setItem(KEY, JSON.stringify(habits));
  } catch {
    // They hold for this visit then.
  }
}

/**
 * What stands in the storage is not taken on trust. Going on by itself marks notes as heard: only who asked for it gets it.
 * @param {any} stored
 * @returns {Habits}
 */
export function read(stored) {
  const { speed, skip, onward } = Object(stored);
  return { speed: SPEEDS.includes(speed) ? speed : 1, skip: skip === true, onward: onward === true };
}

/**
 * Whether single characters are shortcuts (WCAG 2.1.4): they are until somebody turns them off, as who dictates to the page may.
 * @returns {boolean}
 */
export function charactersAct() {
  try {
    return localStorage.getItem(CHARACTERS) !== "off";
  } catch {
    return characters;
  }
}

/** @param {boolean} act */
export function letCharactersAct(act) {
  characters = act;
  try {
    localStorage.setItem(CHARACTERS, act ? "on" : "off");
  } catch {
    // It holds for this visit then.
  }
}

/**
 * The next speed of the scale; its ends stay.
 * @param {number} speed
 * @param {number} by 1 for faster, -1 for slower
 */
export function faster(speed, by) {
  const next = SPEEDS.indexOf(speed) + by;
  return SPEEDS[Math.min(Math.max(0, next), SPEEDS.length - 1)] ?? 1;
}
