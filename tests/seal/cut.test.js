// A note that is cut, turned bit by bit, or put together from pieces: never a wrong plaintext.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { concat, fromHex, toHex } from "../../web/js/seal/bytes.js";
import { importKeypair } from "../../web/js/seal/keys.js";
import { nextRecord, splitHead } from "../../web/js/seal/layout.js";
import { openNote } from "../../web/js/seal/open.js";
import { Refused } from "../../web/js/seal/refused.js";

const NOTE = JSON.parse(readFileSync(new URL("../vectors/sealed-note-1.json", import.meta.url), "utf8")).note;
const BLOB = fromHex(NOTE.blob);
const HEAD = splitHead(BLOB).size;
const ASKED = {
  noteId: fromHex(NOTE.note_id),
  mailboxId: NOTE.mailbox,
  keys: [await importKeypair(fromHex(NOTE.sk))],
};
const MEDIA_BY_RECORDS = ["", "one", "onetwo"];

const records = [];
for (let at = HEAD, header; (header = nextRecord(BLOB, at)); at = header.end) records.push({ at, ...header });

test("cut at every byte of the records: what is whole is heard, and the cut is told", async () => {
  for (let length = HEAD; length < BLOB.length; length += 1) {
    const whole = records.filter(({ stream, end, length: size }) => stream === 0 && end <= length && size > 16).length;
    const note = await openNote(BLOB.slice(0, length), ASKED);
    assert.equal(new TextDecoder().decode(note.media), MEDIA_BY_RECORDS[whole], `at ${length}`);
    assert.equal(note.cutOff, true, `at ${length}`);
  }
});

test("cut at every byte of the head: refused as a short head", async () => {
  for (let length = 0; length < HEAD; length += 1) {
    await assert.rejects(openNote(BLOB.slice(0, length), ASKED), { word: "short head" });
  }
});

test("every bit of the head and of one record turned: refused", async () => {
  const [first, second] = records;
  const places = [[0, HEAD], [first.at, first.end], [second.at, second.end]];
  for (const [start, end] of places) {
    for (let bit = start * 8; bit < end * 8; bit += 1) {
      const turned = BLOB.slice();
      turned[bit >> 3] ^= 1 << (bit & 7);
      const outcome = await openNote(turned, ASKED).catch((error) => error);
      if (outcome instanceof Refused) continue;
      // A length that now points past the end reads as a torn record: cut off, and nothing but true sound.
      assert.ok(bit >= HEAD * 8 && !(outcome instanceof Error), `bit ${bit}: ${outcome}`);
      assert.equal(outcome.cutOff, true);
      assert.ok("onetwo".startsWith(new TextDecoder().decode(outcome.media)));
    }
  }
});

test("2,000 random wounds: only refusals, or a true beginning that says it is cut", async () => {
  const random = seeded(20261122);
  for (let round = 0; round < 2000; round += 1) {
    const wounded = wound(random);
    const note = await openNote(wounded, { ...ASKED, damaged: round % 2 === 1 }).catch((error) => error);
    if (note instanceof Refused) continue;
    assert.ok(!(note instanceof Error), `round ${round}: ${note}`);
    const media = new TextDecoder().decode(note.media);
    assert.ok(["", "one", "two", "onetwo"].includes(media), `round ${round}`);
    if (media === "two") assert.equal(note.gaps.length, 1);
    if (!note.cutOff && note.gaps.length === 0) assert.equal(toHex(wounded), NOTE.blob);
  }
});

function wound(random) {
  const at = random(BLOB.length);
  const other = random(BLOB.length);
  const turned = BLOB.slice();
  turned[at] ^= 1 + random(255);
  const from = records[random(records.length)];
  return [
    () => turned,
    () => BLOB.slice(0, at),
    () => concat(BLOB.slice(0, Math.min(at, other)), BLOB.slice(Math.max(at, other))),
    () => concat(BLOB.slice(0, at), BLOB.slice(other, other + 40), BLOB.slice(at)),
    () => concat(BLOB.slice(0, from.at), BLOB.slice(from.end)),
    () => concat(BLOB, BLOB.slice(from.at, from.end)),
  ][random(6)]();
}

/** Mulberry32: the same wounds in every run. */
function seeded(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
