// Recovery codes: 20 random bytes, shown as 8 groups of 4 Crockford characters (FORMAT.md, "Keys").

import { Refused } from "./refused.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_BYTES = 20;

/** @returns {{ code: string, secret: Bytes }} a new code as people write it down, and what it stands for */
export function newRecoveryCode() {
  const secret = crypto.getRandomValues(new Uint8Array(CODE_BYTES));
  return { code: showRecoveryCode(secret), secret };
}

/**
 * @param {Bytes} secret
 * @returns {string}
 */
function showRecoveryCode(secret) {
  const bits = Array.from(secret, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const text = (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET.charAt(parseInt(five, 2))).join("");
  return (text.match(/.{4}/g) ?? []).join("-");
}

/**
 * The bytes of a code as somebody typed it: case, dashes and blanks do not matter, O reads 0, I and L read 1.
 * @param {string} text
 * @returns {Bytes}
 * @throws {Refused} `recovery code` if it cannot be one
 */
export function parseRecoveryCode(text) {
  const code = text
    .toUpperCase()
    .replaceAll(/[-\u2010-\u2015\u2212\s]/g, "")
    .replaceAll("O", "0")
    .replaceAll(/[IL]/g, "1");
  const fives = Array.from(code, (letter) => ALPHABET.indexOf(letter));
  if (fives.length !== 32 || fives.includes(-1)) throw new Refused("recovery code");
  const bits = fives.map((five) => five.toString(2).padStart(5, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2));
}
