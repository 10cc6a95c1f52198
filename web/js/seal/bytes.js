// Bytes and the ways in which they are written down.

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const utf8Encoder = new TextEncoder();

/**
 * @param {string} text
 * @returns {Bytes}
 */
export function utf8(text) {
  return utf8Encoder.encode(text);
}

/**
 * @param {...(Uint8Array | number[])} parts
 * @returns {Bytes}
 */
export function concat(...parts) {
  return join(parts);
}

/**
 * As `concat`, for lists so long that they would not fit into the arguments of one call.
 * @param {(Uint8Array | number[])[]} parts
 * @returns {Bytes}
 */
export function join(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * u16 length, then the bytes (FORMAT.md, "Notation").
 * @param {Uint8Array} data
 * @returns {Bytes}
 */
export function lp(data) {
  if (data.length > 0xffff) throw new RangeError("longer than its length field can tell");
  return concat([data.length >> 8, data.length & 0xff], data);
}

/**
 * @param {number} value
 * @returns {Bytes} four bytes, big endian
 */
export function u32(value) {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, value);
  return data;
}

/**
 * Compare in a time that depends on the lengths alone.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function equal(a, b) {
  if (a.length !== b.length) return false;
  let differences = 0;
  for (let at = 0; at < a.length; at += 1) differences |= /** @type {number} */ (a[at]) ^ /** @type {number} */ (b[at]);
  return differences === 0;
}

/** @param {Uint8Array} data */
export function toHex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} text
 * @returns {Bytes}
 * @throws {RangeError} if it is not hex
 */
export function fromHex(text) {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new RangeError("not hex");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array} data */
export function toBase64url(data) {
  let text = "";
  // In pieces: the arguments of one call are limited, and a note can have megabytes.
  for (let at = 0; at < data.length; at += 0x8000) {
    text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param {string} text base64url without padding (RFC 4648 section 5)
 * @returns {Bytes}
 * @throws {RangeError} if it is not base64url
 */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new RangeError("not base64url");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}
