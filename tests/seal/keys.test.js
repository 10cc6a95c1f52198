// Slots, wraps and codes as the page makes them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fromBase64url, fromHex, join, toBase64url, toHex, utf8 } from "../../web/js/seal/bytes.js";
import * as keys from "../../web/js/seal/keys.js";
import { parseMeta } from "../../web/js/seal/meta.js";

const USER = "us_aaaabbbbccccdddd";

async function enrol() {
  const { secret: userSecret, publicKey: userPublic } = await keys.newKeypair();
  const { code, secret } = keys.newRecoveryCode();
  const kind = keys.SlotKind.RECOVERY;
  const slot = await keys.makeKeyslot({ kind, secret, userSecret, userPublic, userId: USER });
  return { userSecret, userPublic, code, slot };
}

test("a lost passphrase: the recovery code on paper brings the key back", async () => {
  const { userSecret, userPublic, code, slot } = await enrol();
  assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$/);
  const secret = keys.parseRecoveryCode(code);
  const opened = await keys.openKeyslotRaw({ slot, secret, userPublic, userId: USER });
  assert.deepEqual(opened, userSecret);
});

test("a slot says the same to a wrong code, another user, another key and every altered bit", async () => {
  const { userPublic, code, slot } = await enrol();
  const secret = keys.parseRecoveryCode(code);
  const right = { slot, secret, userPublic, userId: USER };
  const wrong = [
    { ...right, secret: keys.newRecoveryCode().secret },
    { ...right, userId: "us_zzzzbbbbccccdddd" },
    { ...right, userPublic: (await keys.newKeypair()).publicKey },
  ];
  for (let bit = 0; bit < slot.length * 8; bit += 1) {
    const turned = slot.slice();
    turned[bit >> 3] ^= 1 << (bit & 7);
    wrong.push({ ...right, slot: turned });
  }
  for (let length = 0; length < slot.length; length += 1) wrong.push({ ...right, slot: slot.slice(0, length) });
  for (const asked of wrong) await assert.rejects(keys.openKeyslotRaw(asked), { word: "wrong secret" });
});

test("a server that asks for a cheap or endless Argon2 is refused", async () => {
  const params = JSON.parse(keys.passphraseParams());
  const bad = [
    { m_kib: 65535 }, { t: 2 }, { p: 2 }, { v: 16 }, { kdf: "argon2i" }, { salt: "00" }, { salt: "zz" }, { salt: null },
    { m_kib: 1 << 30 }, { t: 1e9 }, { t: "3" }, { m_kib: 65536.5 },
  ].map((change) => JSON.stringify({ ...params, ...change }));
  for (const text of [...bad, "", "null", "[]", "{}"]) {
    await assert.rejects(keys.passphraseSecret("lamp", text), { word: "passphrase parameters" }, text);
  }
});

test("what cannot be a recovery code is told at once", () => {
  const { code } = keys.newRecoveryCode();
  for (const text of ["", code.slice(1), `${code}0`, code.replace(/^./, "U"), code.replace(/^./, "ß")]) {
    assert.throws(() => keys.parseRecoveryCode(text), { word: "recovery code" });
  }
  assert.throws(() => keys.parseRecoveryCode(code.replace(/^./, "🔑")), { word: "recovery code" });
});

test("a wrap goes to one member, one mailbox and one epoch", async () => {
  const member = await keys.newKeypair();
  const userPublic = member.publicKey;
  const user = await keys.importKeypair(member.secret);
  const mailbox = await keys.newKeypair();
  const wrapped = { mailboxId: "mb_x", epoch: 1, mailboxPublic: mailbox.publicKey, userId: USER };
  const wrap = await keys.mailboxWrap({ ...wrapped, mailboxSecret: mailbox.secret, userPublic });
  assert.deepEqual(await keys.openMailboxWrapRaw({ ...wrapped, wrap, user }), mailbox.secret);
  const stranger = await keys.importKeypair((await keys.newKeypair()).secret);
  for (const change of [{ mailboxId: "mb_y" }, { epoch: 2 }, { userId: "us_y" }, { user: stranger }]) {
    await assert.rejects(keys.openMailboxWrap({ ...wrapped, wrap, user, ...change }), { word: "mailbox key" });
  }
});

test("a server that wraps a key of its own under the mailbox's public key is found out", async () => {
  const member = await keys.newKeypair();
  const user = await keys.importKeypair(member.secret.slice());
  const [pinned, planted] = [await keys.newKeypair(), await keys.newKeypair()];
  const wrapped = { mailboxId: "mb_x", epoch: 1, mailboxPublic: pinned.publicKey, userId: USER };
  const wrap = await keys.mailboxWrap({ ...wrapped, mailboxSecret: planted.secret, userPublic: member.publicKey });
  await assert.rejects(keys.openMailboxWrap({ ...wrapped, wrap, user }), { word: "mailbox key" });
});

test("meta too large or too deep is refused", () => {
  const refusal = { word: "meta" };
  assert.throws(() => parseMeta(utf8(`{"a":"${"x".repeat(65536)}"}`)), refusal);
  assert.throws(() => parseMeta(utf8("[".repeat(65000))), refusal);
  assert.deepEqual(parseMeta(utf8("   ")), {});
});

test("a note of very many tiny records is put together all the same", () => {
  const parts = Array.from({ length: 300_000 }, (_, at) => [at & 0xff]);
  const joined = join(parts);
  assert.deepEqual([joined.length, joined[299_999]], [300_000, 299_999 & 0xff]);
});

test("bytes come back from every way of writing them down", () => {
  const all = Uint8Array.from({ length: 256 }, (_, at) => at);
  for (let length = 0; length < 256; length += 1) {
    assert.deepEqual(fromBase64url(toBase64url(all.subarray(0, length))), all.slice(0, length));
    assert.deepEqual(fromHex(toHex(all.subarray(0, length))), all.slice(0, length));
  }
  assert.equal(toBase64url(Uint8Array.from([251, 255])), "-_8");
  assert.equal(toBase64url(new Uint8Array(100_000)).length, 133_334);
  for (const text of ["A", "AA==", "A+/A", "A A"]) assert.throws(() => fromBase64url(text), RangeError);
  for (const text of ["0", "0g", " 00"]) assert.throws(() => fromHex(text), RangeError);
});
