/**
 * This browser's cache of keys, in IndexedDB: the user key as a CryptoKey that cannot be exported, and the public
 * keys of mailboxes as they were at the last visit. Only a cache: the keyslots on the server are the truth.
 */

const NAME = "aftertone";
const KEYS = "keys";
const PINS = "pins";

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
 * Pin the present key of a private mailbox. A key of another epoch is another key too: as long as no member can begin
 * an epoch, whoever calls one newer wants new notes sealed to himself.
 * @param {string} mailboxId
 * @param {number} epoch
 * @param {string} publicKey base64url
 * @returns {Promise<boolean>} false when another one was pinned for this mailbox; the old pin stays
 */
export async function pin(mailboxId, epoch, publicKey) {
  const now = `${epoch} ${publicKey}`;
  const before = await run(PINS, "readonly", (store) => store.get(mailboxId));
  if (before === undefined) await run(PINS, "readwrite", (store) => store.put(now, mailboxId));
  return before === undefined || before === now;
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
