// The browser's own HPKE against RFC 9180, and what it does with bad keys. AES-256-GCM is proven by the
// vectors that Python's library sealed (vectors.test.js).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { concat, fromHex, toHex, utf8 } from "../../web/js/seal/bytes.js";
import { diffieHellman, importKeypair, newKeypair } from "../../web/js/seal/curve.js";
import { hpkeOpen, hpkeSeal, keySchedule, sharedSecret } from "../../web/js/seal/hpke.js";

const A1 = JSON.parse(readFileSync(new URL("../vectors/sealed-note-1-more.json", import.meta.url), "utf8")).hpke_a1;
const AES_128_GCM = { id: 0x0001, keyBytes: 16 };
const INFO = utf8("what it is bound to");

test("the key schedule is that of RFC 9180 A.1, from both ends", async () => {
  const [enc, pkR] = [fromHex(A1.enc), fromHex(A1.pk_r)];
  const sender = await importKeypair(fromHex(A1.sk_e));
  const recipient = await importKeypair(fromHex(A1.sk_r));
  assert.equal(toHex(sender.publicKey), A1.enc);
  assert.equal(toHex(recipient.publicKey), A1.pk_r);
  for (const dh of [await diffieHellman(sender.privateKey, pkR), await diffieHellman(recipient.privateKey, enc)]) {
    const shared = await sharedSecret(dh, enc, pkR);
    assert.equal(toHex(shared), A1.shared_secret);
    const schedule = await keySchedule(shared, fromHex(A1.info), AES_128_GCM);
    assert.equal(toHex(schedule.context), A1.context);
    assert.equal(toHex(schedule.secret), A1.secret);
    assert.equal(toHex(schedule.key), A1.key);
    assert.equal(toHex(schedule.nonce), A1.base_nonce);
  }
});

test("what is sealed opens, and is never the same bytes twice", async () => {
  const pair = await newPair();
  const [one, two] = [await hpkeSeal(pair.publicKey, INFO, utf8("hello")), await hpkeSeal(pair.publicKey, INFO, utf8("hello"))];
  assert.notEqual(toHex(one), toHex(two));
  for (const body of [one, two]) assert.deepEqual(await hpkeOpen(pair, INFO, body), utf8("hello"));
});

test("every bit that is turned, another info, another key and every cut are refused alike", async () => {
  const pair = await newPair();
  const body = await hpkeSeal(pair.publicKey, INFO, utf8("hi"));
  const refusal = { name: "Refused", word: "envelope" };
  for (let bit = 0; bit < body.length * 8; bit += 1) {
    // RFC 7748: the top bit of a public key is not looked at; the key schedule binds the bytes all the same.
    const turned = body.slice();
    turned[bit >> 3] ^= 1 << (bit & 7);
    await assert.rejects(hpkeOpen(pair, INFO, turned), refusal, `bit ${bit}`);
  }
  for (let length = 0; length < body.length; length += 1) {
    await assert.rejects(hpkeOpen(pair, INFO, body.slice(0, length)), refusal);
  }
  await assert.rejects(hpkeOpen(pair, utf8("something else"), body), refusal);
  await assert.rejects(hpkeOpen(await newPair(), INFO, body), refusal);
});

test("keys of low order are refused", async () => {
  const pair = await newPair();
  const low = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ];
  for (const point of low) {
    await assert.rejects(hpkeSeal(fromHex(point), INFO, utf8("hi")), { word: "public key" });
    await assert.rejects(hpkeOpen(pair, INFO, concat(fromHex(point), new Uint8Array(40))), { word: "envelope" });
  }
  await assert.rejects(hpkeSeal(new Uint8Array(31), INFO, utf8("hi")), { word: "public key" });
});

test("a private key that was taken in is gone from the array it came in", async () => {
  const { secret, publicKey } = await newKeypair();
  assert.notEqual(toHex(secret), "00".repeat(32));
  const pair = await importKeypair(secret);
  assert.equal(toHex(secret), "00".repeat(32));
  assert.deepEqual(pair.publicKey, publicKey);
  await assert.rejects(crypto.subtle.exportKey("pkcs8", pair.privateKey));
  await assert.rejects(importKeypair(new Uint8Array(31)), { word: "private key" });
});

async function newPair() {
  return importKeypair((await newKeypair()).secret);
}
