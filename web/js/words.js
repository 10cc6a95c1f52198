/**
 * The texts of the page in the reader's language. README.md beside the languages tells how to add one.
 */

import { de } from "./words/de.js";
import { en } from "./words/en.js";

/** Each language under its tag (BCP 47). */
export const LANGUAGES = { de, en };

/** @typedef {keyof typeof en} Word */
/** @typedef {Record<Word, string>} Texts */
/** @typedef {keyof typeof LANGUAGES} Language */

/** The page's language: what the server chose from the choice in the page (language.js) or from Accept-Language. */
export const language = /** @type {Language} */ (document.documentElement.lang in LANGUAGES ? document.documentElement.lang : "en");

/** The viewer's own form of that language, for times and dates: half the English-speaking world has no "PM". */
export const locale = navigator.languages.find((tag) => new RegExp(`^${language}-[A-Z]{2}$`).test(tag)) ?? language;

const texts = LANGUAGES[language];

/**
 * The text of a word.
 * @param {Word} word
 * @param {Record<string, string | number>} [values]
 */
export function say(word, values = {}) {
  return texts[word].replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
