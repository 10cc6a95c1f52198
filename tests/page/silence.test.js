// What is passed over: pauses, and never a word.

import assert from "node:assert/strict";
import { test } from "node:test";

import { landing, moved, silences, total } from "../../web/js/silence.js";

const RATE = 8000;

/** Noise of one loudness; the same every time. */
function noise(seconds, rms) {
  let seed = 1;
  return Array.from({ length: Math.round(seconds * RATE) }, () => {
    seed = (seed * 48271) % 2147483647;
    return Math.round((seed / 2147483647 - 0.5) * 2 * rms * Math.sqrt(3));
  });
}

/** A voice of a fundamental and syllables, four a second. */
function voice(seconds, rms) {
  return Array.from({ length: Math.round(seconds * RATE) }, (_, at) => {
    const time = at / RATE;
    const loud = 0.35 + 0.65 * Math.abs(Math.sin(Math.PI * 4 * time));
    return Math.round(loud * rms * 1.6 * Math.sin(2 * Math.PI * 180 * time));
  });
}

function found(...parts) {
  const samples = Int16Array.from(parts.flat());
  return silences(samples, RATE).map(({ from, to }) => [Number(from.toFixed(2)), Number(to.toFixed(2))]);
}

test("a pause is passed over but for 0.2 s at either end, whether the line is silent or hisses", () => {
  for (const hiss of [0, 15, 60, 100]) {
    const [[from, to], ...more] = found(voice(2, 3000), noise(3, hiss), voice(2, 3000));
    assert.deepEqual(more, []);
    assert.ok(Math.abs(from - 2.2) < 0.08 && Math.abs(to - 4.8) < 0.08, `${from} to ${to} with ${hiss}`);
  }
});

test("silence at the beginning and at the end goes too, up to the first and from the last word", () => {
  assert.deepEqual(found(noise(2, 0), voice(1, 3000), noise(1.5, 0)), [[0, 1.8], [3.2, 4.5]]);
});

test("the pauses between words and sentences stay", () => {
  const words = Array.from({ length: 6 }, () => [voice(0.5, 3000), noise(0.5, 10)]).flat();
  assert.deepEqual(found(...words), []);
});

test("somebody who speaks softly after somebody loud is heard", () => {
  assert.deepEqual(found(voice(3, 6000), noise(0.3, 20), voice(2, 300), noise(0.3, 20), voice(1, 6000)), []);
});

test("a line as loud as a voice has no silence, nor has a note in which nobody speaks", () => {
  assert.deepEqual(found(voice(2, 2000), noise(3, 700), voice(2, 2000)), []);
  assert.deepEqual(found(noise(5, 20)), []);
  assert.deepEqual(found(noise(5, 0)), []);
  assert.deepEqual(found(), []);
});

test("ten minutes are looked through in a blink", () => {
  const samples = Int16Array.from({ length: 600 * RATE }, (_, at) => (at % (8 * RATE) < 6 * RATE ? (at % 97) * 100 : 0));
  const before = performance.now();
  assert.equal(silences(samples, RATE).length, 75);
  assert.ok(performance.now() - before < 2000);
});

const SPANS = [{ from: 10, to: 14 }, { from: 20, to: 21 }];

test("who comes into a pause lands behind it, who is elsewhere stays", () => {
  assert.deepEqual([9.9, 10, 13.9, 14, 20.5, 22].map((at) => landing(SPANS, at)), [null, 14, 14, null, 21, null]);
  assert.equal(total(SPANS), 5);
});

test("a step back leaves a pause that is longer than the step, and steps forth and back cancel", () => {
  assert.equal(moved(SPANS, 15, -5), 6);
  assert.equal(moved(SPANS, 6, 5), 15);
  assert.equal(moved(SPANS, 8, 5), 17);
  assert.equal(moved(SPANS, 22, -12), 5);
  assert.equal(moved(SPANS, 2, -5), -3);
  assert.equal(moved([], 2, 5), 7);
});
