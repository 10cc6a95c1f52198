/** The inbox page: who am I, do I hold my key, what is in the list, what is new. */

import * as api from "./api.js";
import { MailboxList } from "./boxes.js";
import { StatusBanner } from "./banner.js";
import * as cache from "./cache.js";
import { settle } from "./claim.js";
import { AddressBook } from "./book/book.js";
import { tellOfCallers } from "./callers.js";
import { deleteFrom } from "./deleting.js";
import { exportFrom } from "./export.js";
import { FindBar } from "./find.js";
import { forwardFrom } from "./forward.js";
import { offerHelp } from "./help.js";
import { keptKey } from "./identity.js";
import { Keyring } from "./keyring.js";
import { forgetVisit, owes } from "./leaving.js";
import { CallList } from "./list.js";
import { Live } from "./live.js";
import { offerLogOut } from "./logout.js";
import * as marks from "./marks.js";
import { playOn } from "./onward.js";
import { NotePlayer } from "./player.js";
import { RecoveryLine } from "./recovery.js";
import { inWords } from "./refusal.js";
import * as shell from "./shell.js";
import { takeFrom } from "./taking.js";
import { UnlockPanel } from "./unlock.js";
import { say } from "./words.js";

/** No connection, or a proxy whose server is away. */
const AWAY = [0, 502, 503, 504];

/** Log-out in one tab ends the page in all of them. */
const doors = new BroadcastChannel("aftertone-doors");

const banner = /** @type {StatusBanner} */ (document.querySelector("status-banner"));
const list = /** @type {CallList} */ (document.querySelector("call-list"));
const boxes = /** @type {MailboxList} */ (document.querySelector("mailbox-list"));
const finder = /** @type {FindBar} */ (document.querySelector("find-bar"));
const recovery = /** @type {RecoveryLine} */ (document.querySelector("recovery-line"));
const panel = /** @type {UnlockPanel} */ (document.querySelector("unlock-panel"));
const said = /** @type {HTMLElement} */ (document.querySelector("#said"));
const player = /** @type {NotePlayer} */ (document.querySelector("note-player"));

/** The fingerprint of my key: what I tell a member who is to let me in. */
let print = "";

const book = new AddressBook();
const live = new Live();

/** @type {Promise<unknown>} what changes keys goes one after the other */
let turn = Promise.resolve();
let renewing = false;

/** @type {import("./api.js").Mailbox[]} the mailboxes as they were shown last */
let held = [];
let leaving = false;

/** @type {marks.Marks | null} */
let marked = null;

/** @type {string | null} of this session; null while nobody knows which it is */
let csrf = null;

/** Times the stream told whether notes are recorded. */
let statusTold = 0;

async function begin() {
  if (owes()) {
    location.replace("/login"); // which tells the server first
    return;
  }
  const { me, online } = await whoAmI();
  csrf = me.csrf;
  const keyring = new Keyring(me);
  print = await keyring.fingerprint(me.user.public);
  marked = await marks.Marks.open(me.user.id);
  list.begin(keyring, player, print, marked);
  playOn(list, player, said);
  deleteFrom(list, finder, said, fell);
  takeFrom(list, marked, me.user, said, fell);
  exportFrom(list, finder, keyring);
  forwardFrom(list, keyring, me.user.name);
  tellOfCallers(list, book, /** @type {HTMLElement} */ (document.querySelector("#address-book")), {
    by: me.user.name, several: () => keyring.several, erased: () => gather(me),
  });
  listen(keyring);
  show(me, keyring);
  const key = await keptKey(me);
  if (!online) {
    banner.set("offline", say("offline"));
    await keyring.unlock(key ?? await panel.ask(me));
    await book.begin(keyring.owner);
    await list.showKept(me.user.id);
    return;
  }
  void quietly(marked.send());
  void shell.keep();
  if (key) {
    await keyring.unlock(key);
    void recovery.show(me, keyring, fell);
    await book.begin(keyring.owner);
    await list.refresh();
    gather(me);
    void quietly(book.renew());
    await inTurn(() => settled(me, keyring));
  } else {
    await list.refresh();
    await keyring.unlock(await panel.ask(me));
    await book.begin(keyring.owner);
    await renew(keyring);
  }
}

/**
 * Who I am: by the server, or without it as this browser last knew.
 * @returns {Promise<{me: import("./api.js").Me, online: boolean}>}
 * @throws {Error} for people
 */
async function whoAmI() {
  try {
    return { me: await api.me(), online: true };
  } catch (error) {
    if (!(error instanceof api.ApiError) || !AWAY.includes(error.status)) throw error;
    const user = await cache.lastUser().catch(() => null);
    const me = user && await (await cache.Cache.open(user))?.self();
    if (me) return { me, online: false };
    addEventListener("online", () => location.reload());
    throw new Error(say("offline_nothing"), { cause: error });
  }
}

/**
 * @param {import("./api.js").Me} me
 * @param {Keyring} keyring
 */
function show(me, keyring) {
  boxes.show(me, keyring);
  finder.show(me);
  void recovery.show(me, keyring, fell);
  const shut = me.mailboxes.filter((box) => box.state === "private" && box.my_state !== "member");
  // Who waits for all of them is told in the empty list.
  const names = keyring.waits ? "" : shut.map((box) => box.name || box.extension).join(", ");
  banner.set("waits", names ? say("waiting_for", { names, print }) : null, { warn: false });
  for (const { id, extension, name } of held.filter((box) => !me.mailboxes.some((mine) => mine.id === box.id))) {
    banner.set(`gone ${id}`, say("box_gone", { name: name || extension }), { warn: false, dismissed: () => undefined });
    for (const about of ["key", "new key", "claim", "renew"]) banner.set(`${about} ${id}`, null);
  }
  held = me.mailboxes;
}

/**
 * @param {import("./api.js").Me} me
 * @param {Keyring} keyring
 */
async function settled(me, keyring) {
  const now = await settle(me, keyring, banner);
  if (now === me) return;
  show(now, keyring);
  await list.reopen();
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
function inTurn(work) {
  const mine = turn.then(work);
  turn = mine.catch(() => undefined);
  return mine;
}

/** @param {Keyring} keyring */
function listen(keyring) {
  live.addEventListener("news", (event) => {
    const news = /** @type {CustomEvent<import("./live.js").Piece>} */ (event).detail;
    if (news.kind === "row" && news.row_id) void quietly(list.update(news.row_id));
    // A mailbox that was given to me while the page stood open.
    if (news.kind === "row" && news.mailbox_id && keyring.unlocked && !keyring.opens(news.mailbox_id)) void quietly(renew(keyring));
    if (news.kind === "missed") void quietly(renew(keyring));
    if (news.kind === "status") {
      statusTold += 1;
      stands(news);
    }
    if (news.kind === "connection") {
      banner.set("offline", news.connected ? null : say("offline"));
      void quietly(news.connected ? catchUp() : stillLoggedIn());
    }
  });
  list.addEventListener("trouble", (event) => fell(/** @type {CustomEvent} */ (event).detail));
  finder.addEventListener("find", (event) => {
    const { filter, query } = /** @type {CustomEvent} */ (event).detail;
    list.find(filter, query);
  });
  list.addEventListener("view", (event) => finder.tell(/** @type {CustomEvent} */ (event).detail));
  list.addEventListener("clear", () => finder.clear());
  list.addEventListener("fresh", (event) => {
    said.textContent = say("new_call", { who: /** @type {CustomEvent<string>} */ (event).detail });
  });
  document.addEventListener("visibilitychange", () => {
    // Saved on another device, perhaps, while nobody looked at this one.
    if (document.visibilityState === "visible" && keyring.unlocked) void quietly(book.renew());
  });
  for (const each of [boxes, recovery]) each.addEventListener("changed", () => void quietly(renew(keyring)));
  player.addEventListener("saved", (event) => {
    const id = /** @type {CustomEvent<string>} */ (event).detail;
    void quietly(api.post(`notes/${encodeURIComponent(id)}/log`, { act: "saved" }));
  });
  live.start();
}

/**
 * News were missed, or a mailbox changed as a whole: somebody was let in, or it became private. Keys may be there
 * that were not.
 * @param {Keyring} keyring
 */
async function renew(keyring) {
  if (renewing) return; // one that has not begun yet will see it too
  renewing = true;
  await inTurn(async () => {
    renewing = false;
    const now = await api.me();
    if (keyring.unlocked && keyring.mine !== now.user.public) {
      location.reload(); // I have made new keys in another tab
      return;
    }
    await marked?.send();
    await keyring.renew(now);
    show(now, keyring);
    list.keepOnly(now.mailboxes);
    await list.refresh();
    await list.reopen();
    if (!keyring.unlocked) return;
    gather(now);
    void quietly(book.renew());
    await settled(now, keyring);
  });
}

/**
 * Nobody waits for it; what is not opened yet can be neither searched nor kept.
 * @param {import("./api.js").Me} me
 */
function gather(me) {
  void quietly(list.gather(me));
}

/** A stream that ended may have ended with its session; without a connection nobody can tell, and the banner says so. */
async function stillLoggedIn() {
  await api.me().catch((error) => {
    if (!(error instanceof api.ApiError) || error.status === 401) throw error;
  });
}

/** Between the list's last fetch and the stream's begin, or from one tab's stream to the next, a row may have come. */
async function catchUp() {
  const before = statusTold;
  await api.recognised();
  const status = await api.get("status");
  if (statusTold === before) stands(status); // else the stream has told something newer
  await marked?.send();
  await list.refresh();
  void quietly(book.renew()); // saved on another device, perhaps
}

/**
 * How it stands with disk and PBX.
 * @param {{recording?: boolean, pbx?: string}} status
 */
function stands({ recording, pbx }) {
  banner.set("disk", recording === false ? say("not_recording") : null);
  banner.set("lamps", pbx === "away" || pbx === "refused" ? say("lamps_late") : null, { warn: false });
}

/**
 * What fails in the background shows as the missing connection; the stream's return fetches all again.
 * @param {Promise<void>} work
 */
async function quietly(work) {
  try {
    await work;
    banner.set("trouble", null);
  } catch (error) {
    tell("trouble", error);
  }
}

/**
 * What somebody wished did not happen. It stays until it is read: what goes well in the background says nothing of it.
 * @param {unknown} error
 */
function fell(error) {
  tell("failed", error, { dismissed: () => undefined });
}

/**
 * @param {string} line
 * @param {unknown} error
 * @param {{dismissed?: () => void}} [how]
 */
function tell(line, error, how) {
  if (error instanceof api.ApiError && error.status === 401) void over();
  else banner.set(line, inWords(error), how);
}

/** The session was ended elsewhere, as that of a lost device is: nothing of it stays here but the pins. */
async function over() {
  if (leaving) return;
  leaving = true;
  player.stop();
  await forgetVisit();
  doors.postMessage("closed");
  location.replace("/login");
}

/** An ended session is noticed by several requests at once: a second navigation would break off the first. */
function leave() {
  if (leaving) return;
  leaving = true;
  location.replace("/login");
}

doors.onmessage = leave;
offerLogOut(document.querySelector("#log-out"), () => ({ marks: marked, csrf }), {
  begun: () => {
    leaving = true;
    live.stop();
    player.stop();
  },
  forgotten: () => doors.postMessage("closed"),
});
offerHelp(/** @type {HTMLElement} */ (document.querySelector("#keys")));
begin().catch((error) => tell("trouble", error));
