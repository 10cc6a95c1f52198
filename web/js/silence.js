// Where nobody speaks, found in the samples; and how time runs for somebody who passes over it. Nothing here waits or plays.

/** @typedef {{from: number, to: number}} Span seconds of the sound, from < to; lists of them are in order and apart */

/** Loudness is judged by the root mean square of 20 ms. */
const FRAME_S = 0.02;

/** Shorter pauses carry the rhythm of speech; only longer ones are passed over. */
const PAUSE_S = 0.7;

/** What is left of a pause at either end, so that no soft beginning or last breath of a word is lost. */
const KEEP_S = 0.2;

/** As quiet as an idle line's comfort noise, about -57 dBFS: always silence. */
const IDLE = 48;

/** A pause lies at least 24 dB below loud speech, and no more than 12 dB above the line's own noise. */
const BELOW_SPEECH = 16;
const ABOVE_NOISE = 4;

/**
 * The parts that may be passed over without losing a word. When in doubt, none: a noisy line has no silence.
 * @param {Int16Array} samples mono
 * @param {number} rate samples per second
 * @returns {Span[]}
 */
export function silences(samples, rate) {
  const frames = loudness(samples, Math.round(rate * FRAME_S));
  const quiet = threshold(frames);
  if (frames.every((frame) => frame <= quiet)) return [];
  /** @type {Span[]} */
  const found = [];
  const all = samples.length / rate;
  let begin = 0;
  for (let i = 0; i <= frames.length; i += 1) {
    if (i < frames.length && /** @type {number} */ (frames[i]) <= quiet) continue;
    const [from, to] = [begin * FRAME_S, Math.min(all, i * FRAME_S)];
    begin = i + 1;
    if (to - from < PAUSE_S) continue;
    found.push({ from: from && from + KEEP_S, to: i < frames.length ? to - KEEP_S : to });
  }
  return found;
}

/**
 * Where to go on from inside a part that is passed over.
 * @param {Span[]} spans
 * @param {number} at seconds
 * @returns {number | null} null where there is something to hear
 */
export function landing(spans, at) {
  return spans.find(({ from, to }) => from <= at && at < to)?.to ?? null;
}

/**
 * A step as the ear counts it: what is passed over takes no time. Without this, no step back would leave a long pause.
 * @param {Span[]} spans
 * @param {number} at seconds
 * @param {number} by seconds, negative for back
 * @returns {number} seconds of the sound; may lie outside of it
 */
export function moved(spans, at, by) {
  const passed = spans.map(({ from, to }) => Math.max(0, Math.min(at, to) - from));
  const heard = at - passed.reduce((sum, each) => sum + each, 0) + by;
  return spans.reduce((place, { from, to }) => (place > from ? place + to - from : place), heard);
}

/**
 * @param {Span[]} spans
 * @returns {number} seconds in all
 */
export function total(spans) {
  return spans.reduce((sum, { from, to }) => sum + to - from, 0);
}

/**
 * @param {Int16Array} samples
 * @param {number} frame samples
 */
function loudness(samples, frame) {
  return Float32Array.from({ length: Math.ceil(samples.length / frame) }, (_, i) => {
    const part = samples.subarray(i * frame, (i + 1) * frame);
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
  });
}

/** @param {Float32Array} frames */
function threshold(frames) {
  const sorted = frames.toSorted();
  const at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return Math.max(IDLE, Math.min(at(0.9) / BELOW_SPEECH, at(0.05) * ABOVE_NOISE));
}
