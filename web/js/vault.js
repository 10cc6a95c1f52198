/**
 * This browser's cache of keys, in IndexedDB: the user key as a CryptoKey that cannot be exported, and the public
 * keys of mailboxes and people as they were at the last visit. Only a cache: the keyslots on the server are the truth.
 */

/**
 * @typedef {{epochs: Record<number, string>, told: number, made: string[]}} Pins the public keys of a mailbox by epoch;
 *   told: the newest epoch that its reader knows of; made: public keys that were made in this browser
 */

const NAME = "aftertone";
const KEYS = "keys";
const PINS = "pins";

/** Keys made here that are remembered: of each mailbox, those that may still be on their way. */
const MOST_MADE = 8;

/**
 * @param {string} userId
 * @returns {Promise<CryptoKey | null>} null when this browser has none or lost it
 */
export async function load(userId) {
  const found = await run(KEYS, "readonly", (store) => store.get(userId));
  return found instanceof CryptoKey ? found : null;
}

/**
 * @param {string} userId
 * @param {CryptoKey} key
 */
export async function save(userId, key) {
  await run(KEYS, "readwrite", (store) => store.put(key, userId));
}

/** Forget my key and keep the pins: a server that ends sessions must not make this browser take other keys for right. */
export async function wipeKey() {
  await run(KEYS, "readwrite", (store) => store.clear());
}

/** Forget every key of this browser. */
export async function wipe() {
  await wipeKey();
  await run(PINS, "readwrite", (store) => store.clear());
}

/**
 * Pin the present key of a private mailbox.
 * @param {string} mailboxId
 * @param {number} epoch
 * @param {string} publicKey base64url
 * @returns {Promise<"first" | "known" | "new" | "changed">} first: no key of this mailbox was pinned; new: of a later epoch
 *   that was not made here, until `acknowledge`; changed: another one was pinned for this epoch, or a later epoch; the old
 *   pin stays
 */
export async function pin(mailboxId, epoch, publicKey) {
  /** @type {"first" | "known" | "new" | "changed"} */
  let found = "known";
  await change(mailboxId, (before) => {
    if (!before) found = "first";
    const { epochs, told, made } = before ?? { epochs: {}, told: epoch, made: [] };
    const newest = Math.max(epoch, ...Object.keys(epochs).map(Number));
    if (newest !== epoch || (epochs[epoch] ?? publicKey) !== publicKey) {
      found = "changed";
      return before;
    }
    const known = made.includes(publicKey) ? epoch : told;
    if (known < epoch) found = "new";
    return { epochs: { ...epochs, [epoch]: publicKey }, told: known, made };
  });
  return found;
}

/**
 * How the present key of a mailbox that is not mine stands to what was pinned; nothing is pinned by asking.
 * @param {string} mailboxId
 * @param {number} epoch
 * @param {string} publicKey base64url
 * @returns {Promise<"first" | "known" | "changed">}
 */
export async function judge(mailboxId, epoch, publicKey) {
  const pins = pinsOf(await run(PINS, "readonly", (store) => store.get(mailboxId)));
  if (!pins) return "first";
  const newest = Math.max(...Object.keys(pins.epochs).map(Number));
  return newest === epoch && pins.epochs[epoch] === publicKey ? "known" : "changed";
}

/**
 * Pin a key that somebody has compared, whatever was pinned before.
 * @param {string} mailboxId
 * @param {number} epoch
 * @param {string} publicKey base64url
 */
export async function compared(mailboxId, epoch, publicKey) {
  await change(mailboxId, (before) => {
    const older = Object.entries(before?.epochs ?? {}).filter(([each]) => Number(each) < epoch);
    return { epochs: { ...Object.fromEntries(older), [epoch]: publicKey }, told: epoch, made: before?.made ?? [] };
  });
}

/**
 * Its reader knows of a mailbox's new key.
 * @param {string} mailboxId
 * @param {number} epoch
 */
export async function acknowledge(mailboxId, epoch) {
  await change(mailboxId, (before) => before && { ...before, told: Math.max(before.told, epoch) });
}

/**
 * Remember a mailbox's next key as made here, before the server hears of it.
 * @param {string} mailboxId
 * @param {string} publicKey base64url
 */
export async function making(mailboxId, publicKey) {
  await change(mailboxId, (before) => before && { ...before, made: [...before.made, publicKey].slice(-MOST_MADE) });
}

/**
 * Somebody's key as it was pinned.
 * @param {string} userId
 * @returns {Promise<string | null>} base64url
 */
export async function pinned(userId) {
  return await run(PINS, "readonly", (store) => store.get(userId)) ?? null;
}

/**
 * Whether somebody's key is the one that was pinned for him; the first one is.
 * @param {string} userId
 * @param {string} publicKey base64url
 * @param {boolean} pins whether the first one is pinned by asking
 */
export async function knows(userId, publicKey, pins) {
  const before = await pinned(userId);
  if (before === null && pins) await accept(userId, publicKey);
  return before === null || before === publicKey;
}

/**
 * Take somebody's key for his: it was compared with him.
 * @param {string} userId
 * @param {string} publicKey base64url
 */
export async function accept(userId, publicKey) {
  await run(PINS, "readwrite", (store) => store.put(publicKey, userId));
}

/**
 * Change a mailbox's pins in one transaction: several tabs may want to.
 * @param {string} mailboxId
 * @param {(before: Pins | undefined) => Pins | undefined} work
 */
async function change(mailboxId, work) {
  await run(PINS, "readwrite", (store) => {
    const asked = store.get(mailboxId);
    asked.onsuccess = () => {
      const after = work(pinsOf(asked.result));
      if (after) store.put(after, mailboxId);
    };
    return asked;
  });
}

/**
 * @param {unknown} found
 * @returns {Pins | undefined}
 */
function pinsOf(found) {
  if (typeof found !== "string") return /** @type {Pins | undefined} */ (found);
  // As it was pinned when a mailbox had one key for ever.
  const [epoch = "", publicKey = ""] = found.split(" ");
  return { epochs: { [Number(epoch)]: publicKey }, told: Number(epoch), made: [] };
}

/**
 * One request in one transaction, waited for until it is on disk.
 * @template T
 * @param {string} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function run(name, mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(name, mode);
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(KEYS);
      request.result.createObjectStore(PINS);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
