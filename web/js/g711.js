// G.711 (ITU-T) to 16-bit PCM, and a WAV file around it: what every browser plays, seeks and speeds up.

export const SAMPLE_RATE = 8000;
const WAV_HEADER = 44;

const ULAW = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return bits & 0x80 ? -magnitude : magnitude;
});

const ALAW = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = code ^ 0x55;
  const exponent = (bits & 0x70) >> 4;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return bits & 0x80 ? magnitude : -magnitude;
});

const TABLES = new Map([
  ["audio/PCMU", ULAW],
  ["audio/PCMA", ALAW],
]);

/**
 * @param {string} type as the sealed meta of the note tells
 * @returns {boolean} whether `decode` knows it
 */
export function isG711(type) {
  return TABLES.has(type);
}

/**
 * @param {Uint8Array} sound one byte per sample
 * @param {string} type `audio/PCMU` or `audio/PCMA` (RFC 3551 names)
 * @returns {Int16Array<ArrayBuffer>}
 * @throws {RangeError} for another type
 */
export function decode(sound, type) {
  const table = TABLES.get(type);
  if (table === undefined) throw new RangeError("not G.711");
  const samples = new Int16Array(sound.length);
  for (let at = 0; at < sound.length; at += 1) {
    samples[at] = /** @type {number} */ (table[/** @type {number} */ (sound[at])]);
  }
  return samples;
}

/**
 * @param {Int16Array} samples mono, 8 kHz
 * @returns {Uint8Array<ArrayBuffer>} a WAV file: 44 bytes of header, then little-endian PCM
 */
export function wav(samples) {
  const file = new Uint8Array(WAV_HEADER + samples.length * 2);
  const view = new DataView(file.buffer);
  const words = [
    [0, "RIFF"],
    [8, "WAVE"],
    [12, "fmt "],
    [36, "data"],
  ];
  for (const [at, word] of /** @type {[number, string][]} */ (words)) file.set(new TextEncoder().encode(word), at);
  view.setUint32(4, file.length - 8, true);
  view.setUint32(16, 16, true); // bytes of the format chunk
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE * 2, true); // bytes per second
  view.setUint16(32, 2, true); // bytes per sample
  view.setUint16(34, 16, true); // bits per sample
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, at) => view.setInt16(WAV_HEADER + at * 2, sample, true));
  return file;
}
