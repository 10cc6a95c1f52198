/** Whether somebody is about to act on what an element shows: a mouse is over it, or the keyboard is in it. */

export class Hand {
  /** A mouse is over the element. A finger that was lifted points at nothing. */
  pointing = false;

  /**
   * @param {HTMLElement} place
   * @param {() => void} gone called when mouse or keyboard have left
   */
  constructor(place, gone) {
    place.addEventListener("pointerenter", (event) => {
      this.pointing = event.pointerType === "mouse";
    });
    place.addEventListener("pointerleave", () => {
      this.pointing = false;
      gone();
    });
    place.addEventListener("focusout", () => setTimeout(gone, 0));
  }
}
