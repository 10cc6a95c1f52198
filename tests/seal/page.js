// What the page makes, for test_page_agrees.py: reads JSON from stdin, writes JSON to stdout.

import { readFileSync } from "node:fs";

import { fromHex, toHex } from "../../web/js/seal/bytes.js";
import * as keys from "../../web/js/seal/keys.js";

const told = JSON.parse(readFileSync(0, "utf8"));
const { userId, mailboxId } = told;

const user = await keys.newKeypair();
const userPublic = user.publicKey;
const { code, secret } = keys.newRecoveryCode();
const common = { userSecret: user.secret, userPublic, userId };
const params = keys.passphraseParams();
const s = await keys.passphraseSecret(told.passphrase, params);
const slots = {
  passphrase: await keys.makeKeyslot({ ...common, kind: keys.SlotKind.PASSPHRASE, secret: s, params }),
  recovery: await keys.makeKeyslot({ ...common, kind: keys.SlotKind.RECOVERY, secret }),
};
const epochOne = await keys.newKeypair();
const wrap = await keys.mailboxWrap({
  mailboxId, epoch: 1, mailboxPublic: epochOne.publicKey, mailboxSecret: epochOne.secret, userPublic, userId,
});
const userSecret = toHex(user.secret);
const epochOneSecret = toHex(epochOne.secret);
const envelope = await keys.rewrapEnvelope({
  envelope: fromHex(told.envelope),
  noteId: fromHex(told.noteId),
  mailboxId,
  commit: fromHex(told.commit),
  oldKey: await keys.importKeypair(fromHex(told.oldSecret)),
  newKey: await keys.importKeypair(epochOne.secret),
});
const bytes = {
  userPublic, passphraseSlot: slots.passphrase, recoverySlot: slots.recovery, login: await keys.loginAuth(s),
  recovery: await keys.recoveryAuth(secret), wrap,
  epochOnePublic: epochOne.publicKey, envelope, proof: await keys.claimProof(fromHex(told.oldSecret), userId),
};
const hex = Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, toHex(value)]));
process.stdout.write(JSON.stringify({ ...hex, userSecret, epochOneSecret, code, params }));
