// What the page seals anew, for test_page_closes.py: reads JSON from stdin, writes JSON to stdout.

import { readFileSync } from "node:fs";

import { concat, fromHex, toHex } from "../../web/js/seal/bytes.js";
import { padJson } from "../../web/js/seal/meta.js";

Object.assign(globalThis, { document: { documentElement: { lang: "en" } }, navigator: { languages: [] } });
const { resealed } = await import("../../web/js/reseal.js");

const told = JSON.parse(readFileSync(0, "utf8"));
const note = { ...told.note, media: fromHex(told.note.media), peaks: fromHex(told.note.peaks), gaps: [] };
const made = await resealed({ ...told, note }, { mailboxId: told.mailboxId, publicKey: fromHex(told.publicKey) });
process.stdout.write(JSON.stringify({
  id: made.id, callId: made.callId, call: toHex(made.call), head: toHex(made.head), blob: toHex(concat(made.head, made.records)),
  json: told.values.map((value) => toHex(padJson(value))),
}));
