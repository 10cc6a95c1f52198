/**
 * The keys of keyboards, headsets and lock screens (Media Session). The system shows what it is told to everybody who
 * looks at the locked screen, and other programs can read it: it is told no name and no number, only that a note plays.
 */

import { STEP_S } from "./shortcuts.js";
import { say } from "./words.js";

/** @typedef {{play: () => void, pause: () => void, stop: () => void, step: (by: number) => void, seek: (to: number) => void}} Wishes */

/** Of a browser that has none, nothing is asked. */
const session = "mediaSession" in navigator ? navigator.mediaSession : null;

/** @type {MediaSessionAction[]} */
const ACTIONS = ["play", "pause", "stop", "seekbackward", "seekforward", "seekto"];

/** @param {Wishes} wishes */
export function offer(wishes) {
  if (!session) return;
  session.metadata = new MediaMetadata({ title: say("voice_note"), artist: "Aftertone" });
  listen("play", wishes.play);
  listen("pause", wishes.pause);
  listen("stop", wishes.stop);
  listen("seekbackward", ({ seekOffset }) => wishes.step(-(seekOffset || STEP_S)));
  listen("seekforward", ({ seekOffset }) => wishes.step(seekOffset || STEP_S));
  listen("seekto", ({ seekTime }) => wishes.seek(seekTime ?? 0));
}

/**
 * @param {boolean} playing
 * @param {{at: number, seconds: number, speed: number}} place
 */
export function tell(playing, { at, seconds, speed }) {
  if (!session) return;
  session.playbackState = playing ? "playing" : "paused";
  session.setPositionState?.({ duration: seconds, position: Math.min(at, seconds), playbackRate: speed });
}

/** Nothing plays any more. */
export function withdraw() {
  if (!session) return;
  session.metadata = null;
  session.playbackState = "none";
  session.setPositionState?.();
  for (const action of ACTIONS) listen(action, null);
}

/**
 * @param {MediaSessionAction} action
 * @param {MediaSessionActionHandler | null} handler
 */
function listen(action, handler) {
  try {
    session?.setActionHandler(action, handler);
  } catch {
    // An action that this browser does not know.
  }
}
