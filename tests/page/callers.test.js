// Who calls: a name stands at the number it was written for, and nobody's calls are taken for another's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Names } from "../../web/js/book/names.js";
import { callsOf } from "../../web/js/history.js";
import { matches, parse } from "../../web/js/search.js";

Object.assign(globalThis, { document: { documentElement: { lang: "en" } }, navigator: { languages: [] } });
const { alike, hayOf, whoOf } = await import("../../web/js/who.js");
const { planOf, recordOf } = await import("../../web/js/erasure.js");

const person = (name, ...numbers) => ({ name, numbers, note: "" });
const opened = (number, name = "", presentation = "allowed") => ({ call: { from: { number, name, presentation } }, problem: null, notes: new Map() });
const nobody = new Names([]);

/** A row of the list as far as who calls goes. */
let rows = 0;
const row = (number, { name = "", names = nobody, presentation = "allowed", box = "mb_1", notes = [] } = {}) => {
  rows += 1;
  return { data: { id: `${rows}`, mailbox_id: box, mailbox_name: `Box ${box}`, extension: "1001", notes }, who: whoOf(opened(number, name, presentation), names) };
};

test("a contact's number is known however the PBX writes it", () => {
  const names = new Names([person("Anna", "+49 (0)30 5550-1234", "1007"), person("Bob", "0171 2223334"), person("Ray", "+1 212 555 0100"), person("Ida", "+39 06 1234567")]);
  const found = (number) => whoOf(opened(number), names).contact?.name ?? null;
  for (const number of ["+493055501234", "00493055501234", "03055501234", "493055501234", "1007"]) assert.equal(found(number), "Anna", number);
  for (const number of ["01712223334", "+491712223334", "00491712223334"]) assert.equal(found(number), "Bob", number);
  for (const number of ["+12125550100", "2125550100", "12125550100"]) assert.equal(found(number), "Ray", number);
  for (const number of ["+39061234567", "061234567"]) assert.equal(found(number), "Ida", number);
  for (const number of ["10070", "007", "5550-1234", "+4930555012345", "", "anna", "+"]) assert.equal(found(number), null, number);
});

test("a number that fits two people of different countries fits neither", () => {
  const names = new Names([person("German", "+49 170 1234567"), person("Austrian", "+43 170 1234567")]);
  assert.equal(whoOf(opened("01701234567"), names).contact, null);
  assert.equal(whoOf(opened("+491701234567"), names).contact?.name, "German");
  assert.equal(whoOf(opened("+431701234567"), names).contact?.name, "Austrian");
  const twice = new Names([person("Anna", "+49 170 1", "0170 1")]);
  assert.equal(whoOf(opened("+491701"), twice).contact?.name, "Anna");
});

test("the book's name wins, what the caller calls himself stays in sight, and a borrowed name is told", () => {
  const names = new Names([person("Mama", "+49 30 1"), person("Bank", "0800 1")]);
  const told = ({ name, itself, posing }) => ({ name, itself, posing });
  assert.deepEqual(told(whoOf(opened("+49301", "Weber A"), names)), { name: "Mama", itself: "Weber A", posing: false });
  assert.deepEqual(told(whoOf(opened("+49301", "MAMA"), names)), { name: "Mama", itself: "", posing: false });
  assert.deepEqual(told(whoOf(opened("+49301", "bank"), names)), { name: "Mama", itself: "bank", posing: true });
  assert.deepEqual(told(whoOf(opened("+499001", "Ma\u200bma\u202e"), names)), { name: "Ma\u200bma", itself: "", posing: true });
  assert.deepEqual(told(whoOf(opened("+499001", "Somebody"), names)), { name: "Somebody", itself: "", posing: false });
  assert.deepEqual(told(whoOf(opened("+49301", "Mama", "restricted"), names)), { name: "", itself: "", posing: false });
  assert.equal(whoOf(opened("+49301", "Mama", "restricted"), names).contact, null);
});

test("search finds both names", () => {
  const names = new Names([person("Müller, Jonas", "1007")]);
  const call = opened("1007", "Fraud Dept");
  const hay = hayOf(whoOf(call, names), call);
  for (const [typed, found] of [["mueller", true], ["jonas muller", true], ["fraud", true], ["1007", true], ["fraud jonas", true], ["weber", false]]) {
    assert.equal(matches(hay, parse(typed)), found, typed);
  }
});

test("a row is drawn anew only when it shows something else", () => {
  const call = opened("1007", "Jo");
  const who = whoOf(call, new Names([person("Jonas", "1007")]));
  assert.ok(alike(who, whoOf(call, new Names([person("Anna", "1"), person("Jonas", "1007")]))));
  assert.ok(!alike(who, whoOf(call, new Names([person("Jonas M", "1007")]))));
  assert.ok(!alike(who, whoOf(call, nobody)));
});

test("the history has one caller's calls in all mailboxes, and nobody else's", () => {
  const here = [row("+493055501"), row("03055501", { box: "mb_2" }), row("+493055502"), row("1007"), row("", { presentation: "restricted" }), row("anna"), row("anna")];
  const ids = (entry) => callsOf(here, entry).map((each) => here.indexOf(each));
  assert.deepEqual(ids(here[0]), [0, 1]);
  assert.deepEqual(ids(here[1]), [0, 1]);
  assert.deepEqual(ids(here[3]), [3]);
  assert.deepEqual(ids(here[4]), []);
  assert.deepEqual(ids(here[5]), [5, 6]);
});

test("what could be of two countries is taken for neither", () => {
  const here = [row("+491701"), row("01701"), row("+431701"), row("00491701")];
  const ids = (entry) => callsOf(here, entry).map((each) => here.indexOf(each));
  assert.deepEqual(ids(here[0]), [0, 3]);
  assert.deepEqual(ids(here[1]), [1]);
  assert.deepEqual(ids(here[2]), [2]);
});

test("a contact's history is that of all his numbers", () => {
  const names = new Names([person("Anna", "+49 30 1", "1007"), person("Bob", "1008")]);
  const here = ["+49301", "1007", "1008", "0301"].map((number) => row(number, { names }));
  assert.deepEqual(callsOf(here, here[1]), [here[0], here[1], here[3]]);
});

test("the plan counts what goes in each mailbox, leaves who is speaking, and only the record has the number", () => {
  const kept = { state: "kept" };
  const here = [row("+49301", { notes: [kept, kept] }), row("0301", { box: "mb_2", notes: [kept] }), row("+49301", { notes: [{ state: "recording" }] }), row("1008")];
  const plan = planOf(here, here[0]);
  assert.deepEqual(plan, {
    ids: [here[0].data.id, here[1].data.id], numbers: ["+49301", "0301"], calls: 2, notes: 3, speaking: 1,
    shares: [{ name: "Box mb_1", extension: "1001", calls: 1, notes: 2 }, { name: "Box mb_2", extension: "1001", calls: 1, notes: 1 }],
  });
  const text = recordOf(plan, { removed: 2, contact: true, by: "anna", at: new Date("2026-03-01T12:00:00Z"), server: "notes.example" });
  for (const part of ["+49301, 0301", "2026-03-01T12:00:00.000Z", "anna", "notes.example", "Box mb_2 (1001): calls 1, notes 1", "removed from the address book"]) {
    assert.ok(text.includes(part), part);
  }
});

test("5,000 contacts at 10,000 rows are quick", () => {
  const names = () => new Names(Array.from({ length: 5000 }, (_, n) => person(`Person ${n}`, `+49 30 5${String(n).padStart(6, "0")}`, `0171 ${n}99999`)));
  const calls = Array.from({ length: 10_000 }, (_, n) => opened(n % 2 ? `+49305${String(n % 6000).padStart(6, "0")}` : `0171${n % 6000}99999`, "Somebody"));
  names();
  const worked = () => process.cpuUsage().user / 1000; // a busy machine makes nothing of it slow
  const start = worked();
  const index = names();
  const found = calls.map((call) => whoOf(call, index));
  const took = worked() - start;
  assert.ok(found.filter(({ contact }) => contact).length > 8000);
  assert.ok(took < 5000, `${took} ms`);
});
