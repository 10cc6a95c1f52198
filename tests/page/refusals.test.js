// Whatever the server refuses, and whatever does not open, its reader is told so in his own language.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

Object.assign(globalThis, { document: { documentElement: { lang: "de" } }, navigator: { languages: [] } });
const { REFUSALS, inWords, refusal, unopened } = await import("../../web/js/refusal.js");
const { Refused } = await import("../../web/js/seal/refused.js");
const { LANGUAGES } = await import("../../web/js/words.js");

const HOUSE = new URL("../../", import.meta.url);
/** What the API's routes reach. */
const SERVER = ["web/", "web/routes/", "bridge/store/", "bridge/seal/", "bridge/events.py", "bridge/intake/uploads.py",
  "bridge/intake/frames.py"];

const sources = (places, ending) => places.flatMap((place) => (place.endsWith(ending) ? [place]
  : readdirSync(new URL(place, HOUSE)).filter((name) => name.endsWith(ending)).map((name) => `${place}${name}`)))
  .map((path) => readFileSync(new URL(path, HOUSE), "utf8")).join("\n");

const words = (text, ...patterns) => [...new Set(patterns.flatMap((each) => [...text.matchAll(each)].map(([, word]) => word)))];

test("every word that the server refuses by has words of the page's", () => {
  const found = words(sources(SERVER, ".py"), /(?<!class )\bRefused\(\s*"([^"]+)"/g, /\bApiError\(\s*\d+,\s*"([^"]+)"/g,
    /^ {4}\d{3}: \("([^"]+)", /gm, /\.get\(error\.status_code, \("([^"]+)"/g);
  for (const word of ["members changed", "json only", "not whole", "too slow", "error"]) assert.ok(found.includes(word), word);
  assert.ok(found.length > 70, `${found.length} words`);
  assert.deepEqual(found.filter((word) => !REFUSALS.has(word)), []);
});

test("every word by which the page itself does not open something has words, too", () => {
  const found = words(sources(["web/js/seal/", "web/js/book/", "web/js/"], ".js"), /new Refused\("([^"]+)"/g);
  assert.ok(found.length > 15, `${found.length} words`);
  assert.deepEqual(found.filter((word) => !REFUSALS.has(word)), []);
});

test("what is refused is said in German on a German page, also what this page does not know yet", () => {
  const { de } = LANGUAGES;
  assert.equal(refusal("store", 503), de.refused_store);
  assert.equal(refusal("members changed", 409), de.members_busy);
  assert.equal(refusal("of a later version", 409), de.server_said.replace("{status}", "409"));
  assert.equal(refusal("of a later version", 502), de.refused_fault);
  assert.equal(refusal("constructor", 400), de.server_said.replace("{status}", "400"));
});

test("no raw word stands where a note does not open", () => {
  for (const word of ["magic", "not this note", "commit", "after final"]) {
    for (const said of [unopened(new Refused(word)), inWords(new Refused(word))]) {
      assert.ok(!said.includes(word), said);
      assert.ok(!said.includes("{"), said);
    }
  }
  assert.equal(inWords(new Error("said already")), "said already");
});
