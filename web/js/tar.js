/** Tar archives (POSIX ustar), written piece by piece: a header, a file's bytes, and blanks up to the next block. */

import { concat, utf8 } from "./seal/bytes.js";

const BLOCK = 512;
const LONGEST_NAME = 100;

/** What ends an archive. */
export const END = new Uint8Array(2 * BLOCK);

/**
 * @param {string} name ASCII
 * @param {number} size bytes
 * @param {Date} modified
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {RangeError} for a name that does not fit
 */
export function header(name, size, modified) {
  if (name.length > LONGEST_NAME || !/^[!-~]+$/.test(name)) throw new RangeError("no name for a tar");
  const block = new Uint8Array(BLOCK);
  const seconds = Number.isNaN(modified.getTime()) ? 0 : Math.max(0, Math.floor(modified.getTime() / 1000));
  const fields = /** @type {[number, string][]} */ ([
    [0, name], [100, "0000600\0"], [108, "0000000\0"], [116, "0000000\0"], [124, `${octal(size, 11)}\0`],
    [136, `${octal(seconds, 11)}\0`], [148, " ".repeat(8)], [156, "0"], [257, "ustar\0" + "00"],
  ]);
  for (const [at, text] of fields) block.set(utf8(text), at);
  block.set(utf8(`${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `), 148);
  return block;
}

/**
 * One file as it stands in an archive.
 * @param {string} name
 * @param {Uint8Array} data
 * @param {Date} modified
 */
export function file(name, data, modified) {
  return concat(header(name, data.length, modified), data, new Uint8Array(padded(data.length) - data.length));
}

/**
 * Bytes that a file of this size takes, without its header.
 * @param {number} size
 */
export function padded(size) {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/**
 * @param {number} size of one file
 * @returns {number} bytes that it takes in an archive
 */
export function taken(size) {
  return BLOCK + padded(size);
}

/**
 * @param {number} value
 * @param {number} digits
 */
function octal(value, digits) {
  return value.toString(8).padStart(digits, "0");
}
