// What the page seals: opened by its own reader, bound to one writer and one take.

import assert from "node:assert/strict";
import { test } from "node:test";

import { concat, join, toHex, utf8 } from "../../web/js/seal/bytes.js";
import { newId, NoteSealer, sealMeta } from "../../web/js/seal/close.js";
import { importKeypair, newKeypair } from "../../web/js/seal/keys.js";
import { padJson } from "../../web/js/seal/meta.js";
import { openNote } from "../../web/js/seal/open.js";
import { Refused } from "../../web/js/seal/refused.js";

const MAILBOX = "mb_aaaabbbbccccdddd";
const pair = await newKeypair();
const publicKey = pair.publicKey;
const key = await importKeypair(pair.secret);
const recipient = { mailboxId: MAILBOX, publicKey };

async function told() {
  const noteId = newId();
  const sealer = await NoteSealer.begin(noteId, recipient);
  // Not waited for one by one: indexes follow the order of the calls.
  const records = await Promise.all([
    sealer.record(2, padJson({ v: 1, kind: "note", type: "audio/PCMU" }), 0),
    sealer.record(0, utf8("one"), 0), sealer.record(0, utf8("two"), 500, true), sealer.record(3, new Uint8Array([1, 2]), 1000, true),
    sealer.record(2, padJson({ seconds: 1, streams: { 0: 2, 3: 1 } }), 1000, true),
  ]);
  return { noteId, sealer, blob: concat(sealer.head, join(records)) };
}

test("what was sealed opens as it was, whole, for this key, note and mailbox alone", async () => {
  const { noteId, blob } = await told();
  const asked = { noteId, mailboxId: MAILBOX, keys: [key] };
  const note = await openNote(blob, asked);
  assert.equal(new TextDecoder().decode(note.media), "onetwo");
  assert.deepEqual([...note.peaks], [1, 2]);
  assert.deepEqual({ ...note.meta }, { v: 1, kind: "note", type: "audio/PCMU", seconds: 1, streams: { 0: 2, 3: 1 } });
  assert.equal(note.cutOff, false);
  await assert.rejects(openNote(blob, { ...asked, noteId: newId() }), { word: "not this note" });
  await assert.rejects(openNote(blob, { ...asked, mailboxId: "mb_zzzzbbbbccccdddd" }), { word: "not this note" });
  const stranger = await importKeypair((await newKeypair()).secret);
  await assert.rejects(openNote(blob, { ...asked, keys: [stranger] }), { word: "not sealed to this key" });
});

test("every bit of it turned is refused, or a true beginning that says it is cut", async () => {
  const { noteId, blob } = await told();
  for (let bit = 0; bit < blob.length * 8; bit += 31) {
    const turned = blob.slice();
    turned[bit >> 3] ^= 1 << (bit & 7);
    const outcome = await openNote(turned, { noteId, mailboxId: MAILBOX, keys: [key] }).catch((error) => error);
    if (outcome instanceof Refused) continue;
    assert.ok(!(outcome instanceof Error), `bit ${bit}: ${outcome}`);
    assert.equal(outcome.cutOff, true);
  }
});

test("a writer writes no stream twice, nothing empty, and nothing once it forgot its key", async () => {
  const { sealer } = await told();
  await assert.rejects(sealer.record(0, utf8("more"), 0), RangeError);
  await assert.rejects(sealer.record(1, new Uint8Array(0), 0), RangeError);
  await assert.rejects(sealer.record(1, utf8("x"), -1), RangeError);
  await assert.rejects(sealer.record(1, utf8("x"), 2 ** 32), RangeError);
  await assert.rejects(sealer.record(1, new Uint8Array(16 * 1024 * 1024), 0), RangeError);
  assert.deepEqual(sealer.counts["0"], 2);
  sealer.forget();
  await assert.rejects(sealer.record(4, utf8("x"), 0), RangeError);
  await assert.rejects(sealer.record(1, utf8("x"), 0), RangeError);
});

test("two takes of the same words have nothing in common, and lengths tell little", async () => {
  const [first, second] = [await told(), await told()];
  assert.notEqual(toHex(first.blob), toHex(second.blob));
  const lengths = await Promise.all(["Jo", "Johannes-Maximilian"].map(async (name) => (
    (await sealMeta(newId(), recipient, { v: 1, kind: "call", from: { name } })).length)));
  assert.equal(lengths[0], lengths[1]);
});

test("JSON has sorted keys, blanks up to 256 bytes, no half surrogates and no numbers without a word", () => {
  const text = new TextDecoder().decode(padJson({ b: [1, { z: null, a: "\ud800x" }], a: true }));
  assert.equal(text.length, 256);
  assert.equal(text.trimEnd(), '{"a":true,"b":[1,{"a":"?x","z":null}]}');
  assert.equal(padJson({ a: "x".repeat(248) }).length, 256);
  assert.equal(padJson({ a: "x".repeat(249) }).length, 512);
  assert.throws(() => padJson({ a: NaN }), RangeError);
});
