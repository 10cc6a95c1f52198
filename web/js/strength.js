/** Advice on a passphrase: a rough count of what a guesser must try, nothing that pretends to be exact. */

/** Fewest characters that are taken. */
export const SHORTEST = 10;

/** Bits from which advice changes: a slot can be guessed offline, each guess costing some 0.2 s (Argon2id). */
const FAIR = 36;
const STRONG = 44;

/** A word out of a list of about two thousand, as people choose them. */
const BITS_PER_WORD = 11;

/**
 * @param {string} passphrase
 * @returns {0 | 1 | 2 | 3} too short, weak, fair, strong
 */
export function strength(passphrase) {
  const text = passphrase.normalize("NFKC").trim();
  if ([...text].length < SHORTEST) return 0;
  const bits = text.split(/[\s\-_.,]+/u).filter(distinct).reduce((sum, word) => sum + bitsOf(word), 0);
  return bits < FAIR ? 1 : bits < STRONG ? 2 : 3;
}

/**
 * Whether a word is the first of its kind: repeating one adds nothing.
 * @param {string} word
 * @param {number} at
 * @param {string[]} all
 */
function distinct(word, at, all) {
  return word !== "" && all.indexOf(word) === at;
}

/** @param {string} word */
function bitsOf(word) {
  const letters = [...word];
  const different = new Set(letters).size;
  const pool = (/\p{Ll}/u.test(word) ? 26 : 0) + (/\p{Lu}/u.test(word) ? 26 : 0) + (/\p{N}/u.test(word) ? 10 : 0)
    + (/[^\p{L}\p{N}]/u.test(word) ? 20 : 0);
  const random = Math.min(letters.length, different * 1.5) * Math.log2(Math.max(2, pool));
  return /^\p{L}\p{Ll}*$/u.test(word) && letters.length < 14 ? Math.min(random / 2, BITS_PER_WORD) : random * 0.7;
}
