// The vectors of FORMAT.md in JavaScript; test_vectors.py runs the same ones in Python.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fromHex, toHex } from "../../web/js/seal/bytes.js";
import { publicOf } from "../../web/js/seal/curve.js";
import { openEnvelopes } from "../../web/js/seal/derive.js";
import { hpkeOpen } from "../../web/js/seal/hpke.js";
import * as keys from "../../web/js/seal/keys.js";
import { nextRecord, splitEnvelopes, splitHead } from "../../web/js/seal/layout.js";
import { openNote, openRow } from "../../web/js/seal/open.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8"));
const FIRST = read("sealed-note-1.json");
const MORE = read("sealed-note-1-more.json");
const { note: NOTE, user: USER } = FIRST;

const pairOf = (secret) => keys.importKeypair(fromHex(secret));

async function ask(given, secret) {
  const asked = {
    noteId: fromHex(given.note_id ?? MORE.note_id),
    mailboxId: given.mailbox ?? MORE.mailbox,
    keys: [await pairOf(secret)],
    damaged: given.damaged ?? false,
  };
  if (given.envelopes) asked.envelopes = given.envelopes.map(fromHex);
  return openNote(fromHex(given.blob), asked);
}

test("the note opens with everything in it", async () => {
  const note = await ask(NOTE, NOTE.sk);
  assert.equal(new TextDecoder().decode(note.media), NOTE.plain);
  assert.deepEqual({ ...note.meta }, { ...JSON.parse(NOTE.meta_start), ...JSON.parse(NOTE.meta_end) });
  assert.equal(toHex(note.peaks), NOTE.peaks);
  assert.deepEqual([note.cutOff, note.gaps, note.seconds], [false, [], 1]);
});

test("the call record opens", async () => {
  const record = await ask(FIRST.call_record, NOTE.sk);
  assert.deepEqual({ ...record.meta }, JSON.parse(FIRST.call_record.plain));
  assert.deepEqual([record.media.length, record.cutOff], [0, false]);
});

for (const cut of FIRST.cut) {
  test(`a cut note gives what is whole: ${cut.name}`, async () => {
    const note = await ask({ ...NOTE, blob: cut.blob }, NOTE.sk);
    assert.equal(toHex(note.media), cut.stream0);
    assert.equal(note.cutOff, !cut.closed);
  });
}

for (const given of MORE.opened) {
  test(`opens: ${given.name}`, async () => {
    const note = await ask(given, given.sk);
    assert.equal(toHex(note.media), given.media);
    assert.equal(JSON.stringify(sorted(note.meta)), JSON.stringify(sorted(given.meta)));
    assert.equal(toHex(note.peaks), given.peaks);
    assert.equal(note.cutOff, given.cut_off);
    assert.equal(note.seconds, given.seconds);
    const gaps = note.gaps.map(({ tMs, ...gap }) => ({ ...gap, t_ms: tMs }));
    assert.deepEqual(gaps, given.gaps);
  });
}

for (const given of [...FIRST.refused, ...MORE.refused]) {
  test(`refused: ${given.name}`, async () => {
    await assert.rejects(ask(given, given.sk ?? NOTE.sk), { name: "Refused", word: given.refused });
  });
}

test("the row alone tells what the list shows", async () => {
  const blob = fromHex(NOTE.blob);
  const head = splitHead(blob);
  const copies = [];
  for (let at = head.size, header; (header = nextRecord(blob, at)); at = header.end) {
    if (header.stream === 2 || header.stream === 3) copies.push(blob.slice(at, header.end));
  }
  const row = await openRow(copies, {
    noteId: fromHex(NOTE.note_id),
    mailboxId: NOTE.mailbox,
    keys: [await pairOf(MORE.rewrap.new_sk), await pairOf(NOTE.sk)],
    commit: head.commit,
    envelopes: [fromHex(NOTE.header).slice(head.size - 91)],
  });
  assert.equal(row.meta.ended, "caller_hangup");
  assert.deepEqual([toHex(row.peaks), row.media.length, row.cutOff, row.seconds], [NOTE.peaks, 0, false, 1]);
});

for (const [name, slot] of Object.entries(FIRST.slots)) {
  test(`the slot opens: ${name}`, async () => {
    const asked = {
      slot: fromHex(slot.slot),
      secret: fromHex(slot.secret ?? slot.prf),
      userPublic: fromHex(USER.pk),
      userId: USER.id,
    };
    assert.deepEqual(keys.slotParams(asked.slot), { kind: slot.kind, params: slot.params });
    assert.equal(toHex(await keys.openKeyslotRaw(asked)), USER.sk);
    const user = await keys.openKeyslot(asked);
    assert.equal(user.privateKey.extractable, false);
    assert.equal(toHex(await publicOf(user.privateKey)), USER.pk);
  });
}

test("a passphrase is the same secret however it is composed", async () => {
  const slot = FIRST.slots.passphrase;
  const decomposed = slot.passphrase.replace("é", "e\u0301").replace("Ⅷ", "VIII");
  assert.notEqual(decomposed, slot.passphrase);
  const secret = await keys.passphraseSecret(decomposed, slot.params);
  assert.equal(toHex(secret), slot.secret);
  assert.equal(toHex(await keys.loginAuth(secret)), slot.login);
});

test("the recovery code is read as people type", () => {
  const slot = FIRST.slots.recovery;
  for (const dash of [" ", "", "\u00a0", "\u2013", " \u2014 ", "\u2212", "\n\t"]) {
    const typed = slot.code.toLowerCase().replaceAll("-", dash).replaceAll("0", "o").replaceAll("1", "l");
    assert.equal(toHex(keys.parseRecoveryCode(` ${typed}\n`)), slot.secret);
  }
});

test("the recovery code logs in, and what is shown for it opens nothing", async () => {
  const { code, secret, auth } = MORE.recovery_login;
  const read = keys.parseRecoveryCode(code);
  assert.equal(toHex(read), secret);
  assert.equal(toHex(await keys.recoveryAuth(read)), auth);
  const { slot, secret: own } = FIRST.slots.recovery;
  const shown = await keys.recoveryAuth(fromHex(own));
  const asked = { slot: fromHex(slot), userPublic: fromHex(USER.pk), userId: USER.id };
  for (const seen of [shown, shown.slice(0, 20)]) {
    await assert.rejects(keys.openKeyslot({ ...asked, secret: seen }), { word: "wrong secret" });
  }
});

test("the mailbox wrap opens, and the key does not come out again", async () => {
  const wrap = FIRST.mailbox_wrap;
  const asked = {
    wrap: fromHex(wrap.wrap),
    user: await pairOf(USER.sk),
    userId: USER.id,
    mailboxId: NOTE.mailbox,
    epoch: wrap.epoch,
    mailboxPublic: fromHex(NOTE.pk),
  };
  assert.equal(toHex(await keys.openMailboxWrapRaw(asked)), wrap.plain);
  const mailbox = await keys.openMailboxWrap(asked);
  assert.equal(mailbox.privateKey.extractable, false);
  assert.equal(toHex(mailbox.publicKey), NOTE.pk);
});

test("a message that Python's HPKE sealed opens", async () => {
  const { info, challenge, plain } = FIRST.login;
  assert.equal(toHex(await hpkeOpen(await pairOf(USER.sk), fromHex(info), fromHex(challenge))), plain);
});

test("the claim is proven", async () => {
  const { sk, user, proof } = MORE.claim;
  assert.equal(toHex(await keys.claimProof(fromHex(sk), user)), proof);
});

test("a rewrapped envelope opens with the new key alone", async () => {
  const given = MORE.rewrap;
  const [oldKey, newKey] = [await pairOf(given.old_sk), await pairOf(given.new_sk)];
  const asked = { noteId: fromHex(MORE.note_id), mailboxId: MORE.mailbox, commit: fromHex(given.commit) };
  const envelope = fromHex(given.envelope);
  const renewed = splitEnvelopes(await keys.rewrapEnvelope({ ...asked, envelope, oldKey, newKey }));
  assert.equal(toHex(await openEnvelopes(renewed, { ...asked, keys: [newKey] })), given.note_key);
  await assert.rejects(openEnvelopes(renewed, { ...asked, keys: [oldKey] }), { word: "not sealed to this key" });
});

/** The same value with its keys in order, at every depth; also of objects without a prototype. */
function sorted(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .map(([key, inner]) => [key, sorted(inner)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
