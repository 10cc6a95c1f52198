// Where there are passkeys, what they are asked for, and whose a browser remembers.

import assert from "node:assert/strict";
import { test } from "node:test";

const kept = new Map();
Object.assign(globalThis, {
  document: { documentElement: { lang: "en" } },
  navigator: { languages: [] },
  localStorage: {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, text) => kept.set(key, text),
    removeItem: (key) => kept.delete(key),
  },
});
const { hindrance } = await import("../../web/js/passkey.js");
const { forget, known, read, remember } = await import("../../web/js/known.js");
const { passkeyInput } = await import("../../web/js/seal/passkey.js");
const { toHex } = await import("../../web/js/seal/bytes.js");

test("a passkey is offered at the server's own address, if that has a name", () => {
  const cases = [
    ["https://notes.example", "https://notes.example", ""],
    ["http://localhost:8080", "http://localhost:8080", ""],
    ["https://notes.example:8443", "https://notes.example:8443", ""],
    ["https://notes.example", "https://Notes.Example:443", ""],
    ["http://localhost:8080", "https://notes.example", "passkey_elsewhere"],
    ["http://127.0.0.1:8080", "http://localhost:8080", "passkey_elsewhere"],
    ["https://192.0.2.7", "https://192.0.2.7", "passkey_number"],
    ["https://[2001:db8::7]:8443", "https://[2001:db8::7]:8443", "passkey_number"],
    ["https://notes.example", "", "passkey_number"],
  ];
  for (const [here, home, why] of cases) assert.equal(hindrance(true, here, home), why, `${here} ${home}`);
  assert.equal(hindrance(false, "https://notes.example", "https://notes.example"), "passkey_browser");
  assert.equal(hindrance(false, "http://localhost", "https://notes.example"), "passkey_elsewhere");
});

test("the PRF input is the format's, to the byte", () => {
  assert.equal(toHex(passkeyInput("us_aaaabbbbccccdddd")), "736e3120707266207631" + "75735f61616161626262626363636364646464");
});

test("a browser remembers two people, the last one first, and believes no storage", () => {
  const [one, two, three] = ["a", "b", "c"].map((letter) => `us_${letter.repeat(16)}`);
  assert.deepEqual(known(), []);
  for (const user of [one, two, one, three]) remember(user);
  assert.deepEqual(known(), [three, one]);
  forget(three);
  assert.deepEqual(known(), [one]);
  forget(one);
  assert.equal(kept.size, 0);
  for (const odd of [null, "x", {}, [1, null, "us_", "Anna", `${one}x`], { length: 3 }]) assert.deepEqual(read(odd), []);
  kept.set("aftertone-passkey-users", "{");
  assert.deepEqual(known(), []);
  assert.deepEqual(read([one, two, three]), [one, two]);
});
