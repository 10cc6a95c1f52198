/** A note as a file, outside of every seal. */

/**
 * Named after mailbox and time alone: nothing that a caller chose comes near a file system.
 * @param {string} extension of the mailbox
 * @param {string} startedAt RFC 3339
 * @returns {string} ASCII letters, digits, dashes and ".wav"
 */
export function fileName(extension, startedAt) {
  const time = new Date(startedAt);
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const when = Number.isNaN(time.getTime()) ? [] : [
    time.getFullYear(), two(time.getMonth() + 1), two(time.getDate()), two(time.getHours()) + two(time.getMinutes()) + two(time.getSeconds()),
  ];
  const box = extension.replace(/[^0-9A-Za-z]/g, "").slice(0, 32);
  return `${["aftertone", box, ...when].filter(Boolean).join("-")}.wav`;
}

/**
 * @param {string} address a blob's
 * @param {string} name
 */
export function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

/**
 * Whether this browser hands sound files to other programs.
 * @returns {boolean}
 */
export function canShare() {
  return navigator.canShare?.({ files: [new File([], "a.wav", { type: "audio/wav" })] }) === true;
}

/**
 * Hand a sound to a program that its user chooses.
 * @param {Blob} sound
 * @param {string} name
 * @returns {Promise<boolean>} false when he chose none
 * @throws {Error} for people
 */
export async function share(sound, name) {
  try {
    await navigator.share({ files: [new File([sound], name, { type: sound.type })] });
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return false;
    throw error;
  }
}
