// Nine browsers of one user: one gives way and asks now and then, and no two push each other out without end.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

class Source extends EventTarget {
  static all = [];
  closed = false;
  constructor() {
    super();
    Source.all.push(this);
  }
  close() {
    this.closed = true;
  }
  tell(kind) {
    this.dispatchEvent(Object.assign(new Event(kind), { data: "{}" }));
  }
}

const page = new EventTarget();
const stand = Object.assign(new EventTarget(), { visibilityState: "hidden" });
Object.assign(globalThis, {
  EventSource: Source, BroadcastChannel: class { postMessage() {} }, document: stand, window: globalThis,
  addEventListener: page.addEventListener.bind(page),
});
Object.defineProperty(globalThis, "navigator", { value: { locks: { request: async (_name, hold) => hold() } } });
mock.timers.enable({ apis: ["setTimeout"] });
const { Live } = await import("../../web/js/live.js");

let heard = [];
const last = () => Source.all.at(-1);

beforeEach(() => {
  Source.all = [];
  heard = [];
  const live = new Live();
  live.addEventListener("news", ({ detail }) => heard.push(detail.kind === "connection" ? detail.connected : detail.kind));
  live.start();
  last().onopen();
});

test("who gave way alarms nobody, asks once a minute, and takes a stream when it is looked at", () => {
  last().tell("full");
  assert.ok(last().closed);
  mock.timers.tick(59_999);
  assert.deepEqual(heard, [true]);
  mock.timers.tick(1);
  mock.timers.tick(60_000);
  assert.deepEqual(heard, [true, "missed", "missed"]);
  assert.equal(Source.all.length, 1);
  stand.visibilityState = "visible";
  stand.dispatchEvent(new Event("visibilitychange"));
  assert.equal(Source.all.length, 2);
  last().onopen();
  mock.timers.tick(600_000);
  assert.deepEqual(heard, [true, "missed", "missed", true, "missed"]);
});

test("who is looked at while its stream stands opens no second one", () => {
  page.dispatchEvent(new Event("focus"));
  assert.equal(Source.all.length, 1);
});

test("streams that end at once come back ever more slowly, and soon after one that stood", () => {
  const failing = () => {
    const opened = Source.all.length;
    for (let n = 0; n < 12; n += 1) {
      last().onerror();
      mock.timers.tick(30_000);
      last().onopen();
      mock.timers.tick(1_000);
    }
    return Source.all.length - opened;
  };
  assert.equal(failing(), 12);
  last().onerror();
  mock.timers.tick(14_999);
  assert.equal(last().closed, true, "half of the longest wait is the least");
  mock.timers.tick(15_001);
  last().onopen();
  mock.timers.tick(30_000);
  last().onerror();
  mock.timers.tick(500);
  assert.equal(last().closed, false);
});
