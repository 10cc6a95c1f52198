// What is kept of how somebody listens, and what a saved note is called.

import assert from "node:assert/strict";
import { test } from "node:test";

import { faster, keep, load, read, SPEEDS } from "../../web/js/habits.js";
import { fileName } from "../../web/js/save.js";

process.env.TZ = "Europe/Berlin";

test("of what stands in the storage only what may be there is taken", () => {
  const plain = { speed: 1, skip: false, onward: false };
  for (const stored of [null, undefined, 7, "x", [], { speed: "2", skip: 1, onward: "true" }, { speed: 16 }, { speed: NaN }]) {
    assert.deepEqual(read(stored), plain);
  }
  assert.deepEqual(read({ speed: 1.75, skip: true, onward: true, more: 1 }), { speed: 1.75, skip: true, onward: true });
});

test("a browser that keeps nothing still has habits", () => {
  keep({ speed: 2, skip: true, onward: true }); // node has no localStorage
  assert.deepEqual(load(), { speed: 1, skip: false, onward: false });
});

test("speeds go up and down their scale and stay at its ends", () => {
  assert.deepEqual(SPEEDS.map((speed) => faster(speed, 1)), [1, 1.25, 1.5, 1.75, 2, 2]);
  assert.deepEqual(SPEEDS.map((speed) => faster(speed, -1)), [0.75, 0.75, 1, 1.25, 1.5, 1.75]);
});

test("a file is named after mailbox and the viewer's time, and whatever stands there stays in its folder", () => {
  assert.equal(fileName("1001", "2026-03-29T00:59:59Z"), "aftertone-1001-2026-03-29-015959.wav");
  assert.equal(fileName("1001", "2026-03-29T01:00:00Z"), "aftertone-1001-2026-03-29-030000.wav");
  assert.equal(fileName("../../etc/passwd\u202e\0", "not a time"), "aftertone-etcpasswd.wav");
  assert.equal(fileName("x".repeat(500), ""), `aftertone-${"x".repeat(32)}.wav`);
  assert.equal(fileName("", "now\n"), "aftertone.wav");
});
