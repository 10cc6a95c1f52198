/**
 * Search over names and numbers. All of it happens in the page: what is sought goes into no request, no address and
 * no storage. Pure.
 */

/**
 * @typedef {{raw: string, whole: string, local: string, kind: "abroad" | "trunk" | "bare"}} Digits raw: as written;
 *   whole: from the country code on; local: without country code or leading 0
 * @typedef {{text: string, name: string, digits: Digits}} Haystack folded texts of one caller
 * @typedef {string[]} Word one word, folded in every way that counts
 * @typedef {{words: Word[], digits: Digits | null}} Part words of which each must be found; or digits, found in the number
 *   or each as a word of the name
 * @typedef {Part[]} Query each must be found; none finds all
 */

/** Letters that are no base letter with a mark, and yet are typed as others. */
const LETTERS = /** @type {Record<string, string>} */ ({
  "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ς": "σ", "ħ": "h",
});
const UMLAUTS = /** @type {Record<string, string>} */ ({ "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue" });

/** Country codes of one and of two digits; all others have three (ITU-T E.164, list of assigned codes). */
const ONE = /^[17]/;
const TWO = /^(2[07]|3[0123469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

const NUMERIC = /^[\d()+\-./*#]+$/;

/**
 * Without case, accents and what cannot be seen: "Ångström" and "angstrom" are the same.
 * @param {string} text
 */
export function fold(text) {
  return text.normalize("NFKD").replace(/[\p{M}\p{Cf}]+/gu, "").toLowerCase()
    .replace(/[ßæœøłđðþıςħ]/g, (letter) => LETTERS[letter] ?? letter);
}

/**
 * "Müller" as those write it who have no ü.
 * @param {string} text
 */
function foldGerman(text) {
  return fold(text.normalize("NFC").replace(/[äöüÄÖÜ]/g, (letter) => UMLAUTS[letter] ?? letter));
}

/**
 * What of one caller is searched: what the page shows of him.
 * @param {{name: string, number: string}} shown
 * @returns {Haystack}
 */
export function haystack({ name, number }) {
  const names = foldings(name).join("\n");
  return { text: `${names}\n${fold(number)}`, name: names, digits: digitsOf(number) };
}

/**
 * Read what somebody typed. Numbers may have blanks between: neighbours that could be one number are.
 * @param {string} typed
 * @returns {Query}
 */
export function parse(typed) {
  /** @type {string[][]} */
  const runs = [];
  let open = false;
  for (const word of typed.split(/\s+/u).filter(Boolean)) {
    const numeric = NUMERIC.test(word);
    if (numeric && open) runs.at(-1)?.push(word);
    else runs.push([word]);
    open = numeric;
  }
  return runs.map((run) => {
    const together = run.join("");
    return { words: run.map(foldings), digits: NUMERIC.test(together) && /\d/.test(together) ? digitsOf(together) : null };
  });
}

/**
 * Whether everything that was typed is found.
 * @param {Haystack} hay
 * @param {Query} query
 */
export function matches(hay, query) {
  return !query.length || query.every(({ words, digits }) => (
    digits ? hasNumber(hay.digits, digits) || hasWords(hay.name, words) : hasWords(hay.text, words)
  ));
}

/**
 * @param {string} text
 * @param {Word[]} words
 */
function hasWords(text, words) {
  return words.every((word) => word.some((folded) => text.includes(folded)));
}

/**
 * A part of the number as it is written; or its beginning, however the country is written or left out.
 * @param {Digits} hay
 * @param {Digits} sought
 */
function hasNumber(hay, sought) {
  if (hay.raw.includes(sought.raw)) return true;
  if (sought.kind === "bare" || hay.kind === "bare") return false;
  if (sought.kind === "abroad" && hay.kind === "abroad") return hay.whole.startsWith(sought.whole);
  return sought.local !== "" && hay.local.startsWith(sought.local);
}

/**
 * @param {string} text
 * @returns {Digits}
 */
export function digitsOf(text) {
  const written = text.replace(/\(0\)/g, "").replace(/[^\d+*#]/g, "");
  const plus = written.startsWith("+");
  const raw = plus ? written : written.replaceAll("+", "");
  if (plus || raw.startsWith("00")) {
    const whole = raw.replace(/^(\+|00)/, "").replaceAll("+", "");
    return { raw, whole, local: whole.slice(ONE.test(whole) ? 1 : TWO.test(whole) ? 2 : 3), kind: "abroad" };
  }
  if (raw.startsWith("0")) return { raw, whole: raw, local: raw.slice(1), kind: "trunk" };
  return { raw, whole: raw, local: raw, kind: "bare" };
}

/**
 * @param {string} text
 * @returns {string[]}
 */
function foldings(text) {
  return [...new Set([fold(text), foldGerman(text)])];
}
