// Archives that the system's own tar reads.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import * as tar from "../../web/js/tar.js";

test("what was put in comes out, with its time and nothing for others to read", () => {
  const folder = mkdtempSync(join(tmpdir(), "tar-"));
  try {
    const files = [["one.wav", new Uint8Array(1000).fill(7)], ["none.wav", new Uint8Array(0)], ["block.wav", new Uint8Array(512).fill(1)]];
    const archive = files.map(([name, data]) => tar.file(name, data, new Date("2026-03-01T12:00:00Z")));
    assert.deepEqual(archive.map(({ length }) => length), files.map(([, { length }]) => tar.taken(length)));
    writeFileSync(join(folder, "a.tar"), Buffer.concat([...archive, tar.END]));
    execFileSync("tar", ["-xf", "a.tar"], { cwd: folder });
    for (const [name, data] of files) assert.deepEqual(new Uint8Array(readFileSync(join(folder, name))), data);
    assert.equal(statSync(join(folder, "one.wav")).mtime.toISOString(), "2026-03-01T12:00:00.000Z");
    assert.equal(statSync(join(folder, "one.wav")).mode & 0o077, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a name that is none is refused, a time that is none is the first of all", () => {
  for (const name of ["", "ä.wav", "a b", "a\0b", "x".repeat(101)]) assert.throws(() => tar.header(name, 0, new Date()), RangeError);
  assert.equal(new TextDecoder().decode(tar.header("a", 0, new Date(NaN)).subarray(136, 147)), "0".repeat(11));
});
