/**
 * Keys that are not what they were: told calmly where a member has begun a new epoch, and loudly where nobody may have
 * changed anything.
 */

import * as api from "./api.js";
import { StatusBanner } from "./banner.js";
import { fingerprint } from "./keyring.js";
import * as vault from "./vault.js";
import { inFull } from "./when.js";
import { say } from "./words.js";

/**
 * @typedef {import("./api.js").Me} Me
 * @typedef {import("./api.js").Mailbox} Mailbox
 * @typedef {import("./api.js").Member} Member
 */

/**
 * Warn when a mailbox's public key is another than at the last visit: whoever can write the server's database could
 * put his own there, and new notes would be sealed to him. He could as well begin an epoch, so each new one is told
 * with whom the log names, until its reader has seen it.
 * @param {Me} me
 * @param {StatusBanner} banner
 * @param {boolean} [fresh] whether `me` was asked for just now
 */
export async function watchKeys(me, banner, fresh = false) {
  for (const box of me.mailboxes.filter((each) => each.state === "private")) {
    const mine = me.wraps.find((wrap) => wrap.mailbox_id === box.id && wrap.epoch === box.epoch);
    const found = await vault.pin(box.id, box.epoch, box.public);
    // Another tab may have pinned what came since: nobody is alarmed for an old answer.
    if (found === "changed" && !fresh) return watchKeys(await api.me(), banner, true);
    const odd = found === "changed" || (mine && mine.public !== box.public);
    banner.set(`key ${box.id}`, odd ? say("key_changed", { name: box.name || box.extension }) : null);
    // What members' own keys are at the first visit, another one is told by later.
    if (found === "first" && box.my_state === "member") await changed(await readersOf(box), me);
    if (found === "new" && !odd && box.my_state === "member") await tellNew(me, box, banner);
  }
}

/**
 * @param {Me} me
 * @param {Mailbox} box
 * @param {StatusBanner} banner
 */
async function tellNew(me, box, banner) {
  const others = await changed(await readersOf(box), me, false);
  const lines = [say(box.key_since ? "key_new" : "key_new_untold", {
    name: box.name || box.extension, print: await inOneLine(box.public), who: box.key_by ?? say("log_somebody"),
    when: box.key_since ? inFull(new Date(box.key_since)) : "",
  })];
  for (const { name, public: key } of others) lines.push(say("person_key_new", { name, print: await inOneLine(/** @type {string} */ (key)) }));
  banner.set(`new key ${box.id}`, lines.join(" "), {
    // A key that no member has begun may be that of somebody who can write the database.
    warn: others.length > 0 || !box.key_since,
    dismissed: () => {
      void vault.acknowledge(box.id, box.epoch);
      for (const { user_id: id, public: key } of others) void vault.accept(id, /** @type {string} */ (key));
    },
  });
}

/**
 * @param {Mailbox} box
 * @returns {Promise<Member[]>}
 */
async function readersOf(box) {
  const told = /** @type {import("./api.js").Members} */ (await api.get(`mailboxes/${box.id}/members`));
  return told.members.filter((each) => each.state === "member");
}

/**
 * Those of some people whose own key is not the one that this browser knows, whatever they are to the mailbox: whoever can
 * write the database can also set somebody back to wait. Who waits is known once he is approved here, and no sooner.
 * @param {Member[]} people
 * @param {Me} me
 * @param {boolean} [pins] whether a key that is seen for the first time is known from now on: where its reader sees it, too
 * @returns {Promise<Member[]>}
 */
export async function changed(people, me, pins = true) {
  const others = people.filter((each) => each.public && each.user_id !== me.user.id);
  const known = await Promise.all(others.map((each) => (
    vault.knows(each.user_id, each.public ?? "", pins && each.state === "member"))));
  return others.filter((_, i) => !known[i]);
}

/**
 * Those of the members whose own key this browser does not know, or knows another of; nothing is pinned by asking.
 * @param {Member[]} members
 * @param {Me} me
 * @returns {Promise<Member[]>}
 */
export async function unknown(members, me) {
  const others = members.filter((each) => each.user_id !== me.user.id);
  const pins = await Promise.all(others.map((each) => vault.pinned(each.user_id)));
  return others.filter((each, i) => pins[i] !== each.public);
}

/**
 * A fingerprint that is not torn apart at the end of a line.
 * @param {string} publicKey base64url
 */
async function inOneLine(publicKey) {
  return (await fingerprint(publicKey)).replaceAll(" ", "\u00a0");
}
