// G.711 in the page.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { decode, isG711, wav } from "../../web/js/g711.js";

const ALL = Uint8Array.from({ length: 256 }, (_, code) => code);
const sha256 = (samples) => createHash("sha256").update(wav(samples).subarray(44)).digest("hex");

test("both tables are those of CPython's audioop, bit for bit", () => {
  assert.equal(sha256(decode(ALL, "audio/PCMU")), "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827");
  assert.equal(sha256(decode(ALL, "audio/PCMA")), "e04788d110e58ff8c70c93b8480190d973e3b67876b6119abbaec766cc75c174");
});

test("the WAV file says mono, 8 kHz, 16 bits, and holds the samples little-endian", () => {
  const file = wav(Int16Array.from([0, 1, -2, 32767, -32768]));
  const view = new DataView(file.buffer);
  const word = (at) => new TextDecoder().decode(file.subarray(at, at + 4));
  assert.deepEqual([word(0), word(8), word(12), word(36)], ["RIFF", "WAVE", "fmt ", "data"]);
  assert.deepEqual([view.getUint32(4, true), view.getUint32(16, true)], [file.length - 8, 16]);
  const format = [20, 22, 32, 34].map((at) => view.getUint16(at, true));
  assert.deepEqual(format, [1, 1, 2, 16]);
  assert.deepEqual([24, 28, 40].map((at) => view.getUint32(at, true)), [8000, 16000, 10]);
  assert.deepEqual([...file.subarray(44)], [0, 0, 1, 0, 254, 255, 255, 127, 0, 128]);
});

test("another type is not taken for sound", () => {
  for (const type of ["audio/webm;codecs=opus", "audio/pcmu", "", "__proto__"]) {
    assert.equal(isG711(type), false);
    assert.throws(() => decode(ALL, type), RangeError);
  }
  assert.equal(isG711("audio/PCMU"), true);
});
