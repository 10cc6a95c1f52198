// Every language says everything, and fills the same places.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const SERVER = new URL("../../web/templates/words/", import.meta.url);
const PAGE = new URL("../../web/js/words/", import.meta.url);

Object.assign(globalThis, { document: { documentElement: { lang: "en" } }, navigator: { languages: [] } });
const { LANGUAGES } = await import("../../web/js/words.js");

/** What is filled in, in any order. */
const places = (text) => (text.match(/\{\w+\}/g) ?? []).sort();

/** All texts by their place, whatever is nested. */
const flat = (texts, before = "") => Object.entries(texts).flatMap(([key, text]) => (
  typeof text === "string" ? [[`${before}${key}`, text]] : flat(text, `${before}${key}.`)));

const server = (tag) => JSON.parse(readFileSync(new URL(`${tag}.json`, SERVER), "utf8"));
const tags = Object.keys(LANGUAGES).sort();

test("a file of a language is one that the page and the server offer", () => {
  assert.deepEqual(readdirSync(PAGE).filter((name) => name.endsWith(".js")).sort(), tags.map((tag) => `${tag}.js`));
  assert.deepEqual(readdirSync(SERVER).sort(), tags.map((tag) => `${tag}.json`));
  for (const tag of tags) assert.equal(Intl.getCanonicalLocales(tag)[0], tag);
});

for (const tag of tags) {
  test(`nobody who reads ${tag} meets a missing text or an unfilled place`, () => {
    for (const [whole, ours] of [[LANGUAGES.en, LANGUAGES[tag]], [server("en"), server(tag)]]) {
      const theirs = Object.fromEntries(flat(ours));
      assert.deepEqual(Object.keys(theirs).sort(), flat(whole).map(([key]) => key).sort());
      for (const [key, text] of flat(whole)) {
        assert.deepEqual(places(theirs[key]), places(text), key);
        assert.notEqual(theirs[key].trim(), "", key);
      }
    }
  });
}
