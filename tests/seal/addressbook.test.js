// Address books: opened by their owner alone, believed when their owner made them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { MOST } from "../../web/js/book/contact.js";
import { MOST_BYTES, openBook, sealBook } from "../../web/js/book/sealed.js";
import { fromHex } from "../../web/js/seal/bytes.js";
import { importKeypair, newKeypair } from "../../web/js/seal/curve.js";
import { splitHead } from "../../web/js/seal/layout.js";

const vector = JSON.parse(readFileSync(new URL("../vectors/addressbook-1.json", import.meta.url), "utf8"));
const owner = { user: vector.user, key: await importKeypair(fromHex(vector.secret)) };

test("the vector opens", async () => {
  const { version, contacts } = await openBook(fromHex(vector.sealed), owner);
  assert.equal(version, vector.version);
  assert.deepEqual(contacts, vector.contacts);
});

for (const { why, word, sealed } of vector.refused) {
  test(`refused: ${why}`, async () => {
    await assert.rejects(openBook(fromHex(sealed), owner), { name: "Refused", word });
  });
}

test("a book opens to nobody else, nor in anybody else's place", async () => {
  const other = await importKeypair((await newKeypair()).secret);
  await assert.rejects(openBook(fromHex(vector.sealed), { ...owner, key: other }), { word: "not sealed to this key" });
  await assert.rejects(openBook(fromHex(vector.sealed), { ...owner, user: "us_eeeeffffgggghhhh" }), { word: "not this note" });
});

test("each saving has another version and another key, and its length tells little", async () => {
  const one = [{ name: "Anna", numbers: ["1007"], note: "" }];
  const more = [...one, { name: "A much longer name than that", numbers: ["+49 30 5550 1234"], note: "a note" }];
  const sealed = await Promise.all([one, one, more].map((contacts) => sealBook(contacts, owner)));
  assert.equal(new Set(sealed.map(({ version }) => version)).size, 3);
  assert.equal(new Set(sealed.map((each) => splitHead(each.sealed).commit.join())).size, 3);
  assert.equal(new Set(sealed.map((each) => each.sealed.length)).size, 1);
});

test("a full book fits what the server takes, and opens", async () => {
  const contacts = Array.from({ length: MOST }, (_, n) => ({
    name: `Somebody with quite a long name ${String(n).padStart(5, "0")}`, numbers: [`+49 30 5550 ${n}`, `+49 171 5550 ${n}`, `${n}`], note: "met at the fair, calls on Tuesdays about the delivery",
  }));
  const { sealed } = await sealBook(contacts, owner);
  assert.ok(sealed.length < MOST_BYTES, `${sealed.length}`);
  assert.deepEqual((await openBook(sealed, owner)).contacts, contacts);
});
