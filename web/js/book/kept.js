/** The address book as this browser keeps it for the next visit, with or without a connection: sealed, as the server has it. */

import { done, found } from "../database.js";

/** @typedef {{version: string, sealed: Uint8Array<ArrayBuffer>}} Kept */

const NAME = "aftertone-book";
const BOOKS = "books";

/**
 * @param {string} user
 * @returns {Promise<Kept | null>} null also where the browser gives no room
 */
export async function kept(user) {
  try {
    const book = await using((database) => found(database.transaction(BOOKS).objectStore(BOOKS).get(user)));
    return book?.sealed instanceof Uint8Array && typeof book.version === "string" ? book : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} user
 * @param {Kept | null} book null: there is none any more
 */
export async function keep(user, book) {
  await change((store) => {
    if (book && !wiped) store.put(book, user);
    else store.delete(user);
  }).catch(() => undefined);
}

/** Whether this page has forgotten all: a book that was still on its way must not come back. */
let wiped = false;

/** Forget every book of this browser; this page keeps none from here on. */
export async function wipe() {
  wiped = true;
  await change((store) => store.clear());
}

/** @param {(store: IDBObjectStore) => void} work */
async function change(work) {
  await using((database) => {
    const transaction = database.transaction(BOOKS, "readwrite");
    work(transaction.objectStore(BOOKS));
    return done(transaction, () => undefined);
  });
}

/**
 * @template T
 * @param {(database: IDBDatabase) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function using(work) {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => void request.result.createObjectStore(BOOKS);
  const database = await found(request);
  try {
    return await work(database);
  } finally {
    database.close();
  }
}
