// The one error of everything in this folder.

/** Understood and not granted. `word` is stable and stands in FORMAT.md; it tells nothing of a note. */
export class Refused extends Error {
  /** @param {string} word */
  constructor(word) {
    super(word);
    this.name = "Refused";
    this.word = word;
  }
}
