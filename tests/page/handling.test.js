// What may be done with a call, how it reads, and in which lists it stands.

import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(globalThis, { document: { documentElement: { lang: "en" } }, navigator: { languages: [] } });
const { choices, insteadOf, inWords } = await import("../../web/js/handling.js");
const { belongs } = await import("../../web/js/filters.js");

const at = "2026-03-01T12:00:00Z";
const OPEN = { state: "open", user_id: null, user: null, mine: false, at: null };
const MINE = { state: "taken", user_id: "us_a", user: "anna", mine: true, at };
const THEIRS = { state: "taken", user_id: "us_b", user: "bert", mine: false, at };
const DONE = { ...THEIRS, state: "done" };

/** What is offered, as "button state key". */
function offered(handling, shared) {
  return Object.values(choices(handling, shared)).map((each) => each && `${each.word} ${each.state} ${each.key}`);
}

test("what a colleague has is taken over, and nothing else is done with it", () => {
  assert.deepEqual(offered(OPEN, true), ["take taken t", "done done d"]);
  assert.deepEqual(offered(OPEN, false), [null, "done done d"]);
  assert.deepEqual(offered(DONE, true), [null, "reopen open o"]);
  for (const shared of [true, false]) {
    assert.deepEqual(offered(MINE, shared), ["give_back open g", "done done d"]);
    assert.deepEqual(offered(THEIRS, shared), ["take_over taken t", null]);
  }
});

test("it reads as somebody says it, also of who is gone", () => {
  const line = (handling) => Object.values(inWords(handling)).join("|");
  assert.equal(line(OPEN), "||");
  assert.match(line(MINE), /^Taken by you since .*2026.*\|\|$/);
  assert.match(line(THEIRS), /^Taken by \|bert\| since .*2026/);
  assert.match(line({ ...DONE, user: null }), /^Done by \|Somebody who is gone\|, .*2026/);
  assert.match(line({ ...DONE, user: "{when}" }), /\|\{when\}\|/);
  assert.equal(insteadOf(THEIRS), "bert has taken this call.");
  assert.equal(insteadOf(OPEN), "This call is open again.");
});

test("open is what nobody else has and nobody has done, taken what anybody has", () => {
  const shown = (handling) => ["all", "open", "taken", "deleted"].filter((show) => belongs({ handling, notes: [], deleted_at: null }, show));
  assert.deepEqual(shown(OPEN), ["all", "open"]);
  assert.deepEqual(shown(MINE), ["all", "open", "taken"]);
  assert.deepEqual(shown(THEIRS), ["all", "taken"]);
  assert.deepEqual(shown(DONE), ["all"]);
  assert.equal(belongs({ handling: MINE, notes: [], deleted_at: at }, "open"), false);
});
