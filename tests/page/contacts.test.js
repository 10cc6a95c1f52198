// Files of contacts: those that people have, those that are damaged, and those that are made to harm.

import assert from "node:assert/strict";
import { test } from "node:test";

import { cleanNumber, contact, LONGEST_NAME, merged, MOST, MOST_NUMBERS } from "../../web/js/book/contact.js";
import { contactsIn } from "../../web/js/book/file.js";
import { Taking } from "../../web/js/book/taking.js";
import { readVcards, writeVcards } from "../../web/js/book/vcard.js";

const bytes = (text) => new TextEncoder().encode(text);
const latin = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** What a file holds: people as [name, ...numbers], and why others are none. */
function read(data) {
  const found = [...contactsIn(typeof data === "string" ? bytes(data) : data).found];
  return {
    people: found.flatMap((each) => (each.contact ? [[each.contact.name, ...each.contact.numbers]] : [])),
    passed: found.flatMap((each) => (each.contact ? [] : [each.why])),
  };
}

const card = (...lines) => ["BEGIN:VCARD", ...lines, "END:VCARD", ""].join("\r\n");

test("vCard 2.1 as old phones write it: quoted-printable over several lines, bare parameters, charsets", () => {
  const { people } = read(card("VERSION:2.1", "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Jo=", "nas", "TEL;CELL;PREF:0171 1234567", "TEL;HOME:030-555")
    + card("VERSION:2.1", "FN;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Zo=EB", "TEL:1007")
    + card("VERSION:2.1", "FN;ENCODING=QUOTED-PRINTABLE;CHARSET=X-NOTHING:Zo=EB", "TEL:1008"));
  assert.deepEqual(people, [["Jonas Müller", "0171 1234567", "030-555"], ["Zoë", "1007"], ["Zoë", "1008"]]);
});

test("vCard 3.0 and 4.0: folded lines, groups, tel: addresses, escapes, firms without people", () => {
  const { people } = read(card("VERSION:3.0", "N:Weber;Anna;Maria;;", "FN:Anna Maria We", " ber", "item1.TEL;type=CELL;type=pref:+49 (0)171 22", "item1.X-ABLabel:_$!<Mobile>!$_")
    + card("VERSION:4.0", "TEL;VALUE=uri;TYPE=\"voice,home\":tel:+49-30-5550-1234;ext=5", "ORG:Müller\\, Söhne\\; Co;Einkauf")
    + card("VERSION:4.0", "FN:", "N:;Only;;;", "TEL;VALUE=uri:tel:%2B4930555")
    + card("VERSION:3.0", "FN:Colon: in name", "TEL;X=\"a:b;c\":12 34"));
  assert.deepEqual(people, [
    ["Anna Maria Weber", "+49 (0)171 22"], ["Müller, Söhne; Co", "+49-30-5550-1234"], ["Only", "+4930555"], ["Colon: in name", "12 34"],
  ]);
});

test("who has no number or no name is passed over, and one damaged card takes no other with it", () => {
  const { people, passed } = read(card("FN:Nobody") + card("TEL:1007") + "BEGIN:VCARD\nFN:Torn\nTEL:1\n" + card("FN:Whole", "TEL:2")
    + card("FN:Host", "TEL:3", "AGENT:", "BEGIN:VCARD", "FN:Agent", "TEL:4", "END:VCARD") + "END:VCARD\nFN:stray\nTEL:9\nBEGIN:VCARD\nFN:Late\nTEL:5");
  assert.deepEqual(people, [["Whole", "2"], ["Host", "3"]]);
  assert.deepEqual(passed, ["no_number", "no_name", "unfinished", "unfinished"]);
});

test("hostile cards become harmless contacts: a megabyte of name, markup, turned letters, ten thousand numbers", () => {
  const { people } = read(card(`FN:${"A".repeat(1_000_000)}`, "TEL:1")
    + card("FN:<img src=x onerror=alert(1)>", "TEL:2", "TEL:javascript:alert(1)", "TEL:=1+1", "TEL:call me")
    + card("FN:Bank\u202Etxt.exe\u2066 \u0000\u0007x", "TEL:\u202A3\u202C")
    + card("FN:Many", ...Array.from({ length: 10_000 }, (_, n) => `TEL:5${n}`))
    + card("FN:Photo", `PHOTO;ENCODING=b:${"QUJD".repeat(100_000)}`, "TEL:6"));
  assert.deepEqual(people.map(([name]) => name), ["A".repeat(LONGEST_NAME), "<img src=x onerror=alert(1)>", "Banktxt.exe x", "Many", "Photo"]);
  assert.deepEqual(people.map(([, ...numbers]) => numbers.length), [1, 1, 1, MOST_NUMBERS, 1]);
  assert.deepEqual(people[2], ["Banktxt.exe x", "3"]);
});

/** Milliseconds of this process's own work: a busy machine makes nothing of it slow. */
const worked = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

test("a megabyte of anything is read in a moment, whatever it repeats", () => {
  const size = 1024 * 1024;
  for (const piece of ["BEGIN:VCARD\n", "=\n", " \n", "a", "\"", "\"\"", ";", "FN;QUOTED-PRINTABLE:=\n", "\n", "BEGIN:VCARD\nFN:A\nTEL:1\nEND:VCARD\n", "a;1\n"]) {
    const start = worked();
    let n = 0;
    for (const _each of contactsIn(bytes(`BEGIN:VCARD\n${piece.repeat(size / piece.length)}`)).found) n += 1;
    for (const _each of contactsIn(bytes(piece.repeat(size / piece.length))).found) n += 1;
    assert.ok(worked() - start < 10_000, `${JSON.stringify(piece)} took ${worked() - start} ms for ${n}`);
  }
});

test("whatever stands in a file, what comes of it can be kept", () => {
  let seed = 7;
  const random = (below) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const pieces = ["BEGIN:VCARD", "END:VCARD", "\r\n", "\n", "\r", ":", ";", ",", "\"", "=", "=C3=", "FN", "TEL", "N;", "ENCODING=QUOTED-PRINTABLE", "CHARSET=", "\t", " ", "\\",
    "tel:", "%", "+49", "0", "123", "ü", "\ud800", "\u202e", "Name", "Telefon", "AGENT:", "\u0000", "sep=;"];
  for (let round = 0; round < 3000; round += 1) {
    const text = Array.from({ length: random(60) }, () => pieces[random(pieces.length)]).join("");
    for (const each of [...contactsIn(bytes(text)).found, ...readVcards(text)]) {
      if (!each.contact) continue;
      assert.deepEqual(contact(each.contact), each.contact, JSON.stringify(text));
      assert.ok(each.contact.name && each.contact.numbers.length && each.contact.name.isWellFormed());
    }
  }
});

test("CSV of Google, Outlook and telephones, in English and German, however it is separated", () => {
  const google = "Name,Given Name,Family Name,Phone 1 - Type,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,Notes\n"
    + "Anna Weber,Anna,Weber,Mobile,+49 171 22 ::: +49 171 23,Work,030 5550,\"likes \"\"tea\"\",\nand cake\"\n";
  const outlook = "\ufeffVorname;Weitere Vornamen;Nachname;Firma;Telefon geschäftlich;Mobiltelefon;Fax privat;E-Mail-Adresse;Typ Telefon\r\n"
    + "Jonas;;Müller;Müller GmbH;030 1;0171 2;;j@example.org;x\r\n;;;Nur Firma;030 3;;;;\r\n";
  const box = "Name\tPrivat\tMobil\tGeschäftlich\nOma\t04012\t\t\n";
  assert.deepEqual(read(google).people, [["Anna Weber", "+49 171 22", "+49 171 23", "030 5550"]]);
  assert.deepEqual(read(outlook).people, [["Jonas Müller", "030 1", "0171 2"], ["Nur Firma", "030 3"]]);
  assert.deepEqual(read(box).people, [["Oma", "04012"]]);
  assert.deepEqual(read("sep=|\r\nFirst Name|Last Name|Mobile Phone\r\nA|B|1007\r\n").people, [["A B", "1007"]]);
  assert.deepEqual(read(latin("Name;Rufnummer\nM\xfcller;1007\n")).people, [["Müller", "1007"]]);
  assert.deepEqual(read(Uint8Array.of(0xff, 0xfe, ...Array.from("Name\tTel\nA\t12\n", (letter) => [letter.charCodeAt(0), 0]).flat())).people, [["A", "12"]]);
  assert.deepEqual(read("Oma,+49 40 12\nOpa,\"+49 40 13\"\n").people, [["Oma", "+49 40 12"], ["Opa", "+49 40 13"]]);
});

test("CSV that is none, is cut off, or holds formulas", () => {
  assert.deepEqual(read("just, some text\nand, more"), { people: [], passed: [] });
  assert.deepEqual(read(""), { people: [], passed: [] });
  const { people, passed } = read("Name;Telefon\n=HYPERLINK(\"http://x\");1007\n@SUM(A1);=1+1\n;12\n\n;;;\n<b>B</b>;\"0\"\"5\"\n");
  assert.deepEqual(people, [["=HYPERLINK(\"http://x\")", "1007"]]);
  assert.deepEqual(passed, ["no_number", "no_name", "no_number"]);
});

test("a quotation mark that nothing closes takes no line after its own along, and is told", () => {
  const rest = Array.from({ length: 500 }, (_, n) => [`A${n}`, `10${n}`]);
  const { people, passed } = read(`Name;Telefon\nOma;12\n"Opa;13\n${rest.map((each) => each.join(";")).join("\n")}`);
  assert.deepEqual(people, [["Oma", "12"], ["Opa", "13"], ...rest]);
  assert.deepEqual(passed, ["unclosed"]);
  const taking = new Taking([]);
  for (const each of contactsIn(bytes('Name;Telefon\nOma;"12\nOpa;13')).found) taking.add(each);
  assert.deepEqual([taking.names, taking.skipped.unclosed], [["Oma", "Opa"], 1]);
  assert.deepEqual(read('Name;Telefon\nOma;"12"\nOpa;13\n"').passed, ["unclosed"]);
  assert.equal(read(`Name;Telefon\n"${";\"\"".repeat(200_000)}`).passed[0], "unclosed", "in one pass");
});

test("a number is what can be dialled", () => {
  for (const [told, number] of [["+49 (0)30 / 55-50", "+49 (0)30 / 55-50"], ["tel:*21#", "*21#"], ["030 555 ext. 12", "030 555"], ["030555,,12", "030555"], ["０３０", "030"],
    ["anna@example.org", ""], ["=1+1", ""], ["", ""], ["---", ""], ["1".repeat(41), ""], [12, ""]]) {
    assert.equal(cleanNumber(told), number, String(told));
  }
});

test("an exported book is read again as it was, letter for letter", () => {
  const book = [
    { name: "Müller, Söhne; Co \\ GmbH", numbers: ["+49 30 5550", "1007"], note: "Zeile; mit, allem \\" },
    { name: `${"ä".repeat(100)} 😀 end`, numbers: ["1"], note: "" },
    { name: "BEGIN:VCARD", numbers: ["2"], note: "END:VCARD" },
  ];
  const text = writeVcards(book);
  assert.ok(text.split("\r\n").every((line) => bytes(line).length <= 75));
  assert.deepEqual([...readVcards(text)].map((each) => each.contact), book);
});

test("what a file adds: new people, further numbers, and those who are there already", () => {
  const taking = new Taking([{ name: "Anna", numbers: ["+49 30 1"], note: "" }, { name: "Jonas", numbers: ["1"], note: "" }, { name: "Jonas", numbers: ["2"], note: "" }]);
  for (const [name, ...numbers] of [["ANNA", "0049301"], ["Anna", "1007"], ["Jonas", "2", "22"], ["Jonas", "3"], ["Zoë", "4"], ["Zoe", "4"]]) {
    taking.add({ at: 0, contact: { name, numbers, note: "" }, why: null });
  }
  taking.add({ at: 0, contact: null, why: "no_name" });
  assert.deepEqual([taking.fresh, taking.more, taking.known, taking.skipped.no_name], [2, 2, 2, 1]);
  assert.deepEqual(taking.contacts.map(({ name, numbers }) => [name, ...numbers]), [
    ["Anna", "+49 30 1", "1007"], ["Jonas", "1"], ["Jonas", "2", "22"], ["Jonas", "3"], ["Zoë", "4"],
  ]);
  const full = new Taking(Array.from({ length: MOST }, (_, n) => ({ name: `n${n}`, numbers: ["1"], note: "" })));
  full.add({ at: 0, contact: { name: "late", numbers: ["1"], note: "" }, why: null });
  full.add({ at: 0, contact: { name: "n5", numbers: ["2"], note: "" }, why: null });
  assert.deepEqual([full.fresh, full.more, full.skipped.full], [0, 1, 1]);
});

test("two devices that change one book both keep what they did", () => {
  const one = (name, number = "1") => ({ name, numbers: [number], note: "" });
  const names = (book) => book.map(({ name, numbers }) => `${name} ${numbers}`);
  const before = [one("A"), one("B"), one("C")];
  assert.deepEqual(names(merged(before, [one("A"), one("B"), one("M")], [one("B"), one("C"), one("T")])), ["B 1", "M 1", "T 1"]);
  assert.deepEqual(names(merged(before, [one("A", "2"), one("B"), one("C")], [one("A", "3"), one("B"), one("C")])), ["A 2", "A 3", "B 1", "C 1"]);
  assert.deepEqual(merged(before, before, before), before);
  assert.deepEqual(names(merged(before, [], [...before, one("D")])), ["D 1"]);
});
