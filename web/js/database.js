/** IndexedDB with promises: one request, or a whole transaction. */

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @param {(result: T) => void} work in the same transaction
 */
export function asked(request, work) {
  request.onsuccess = () => work(request.result);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function found(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @template T
 * @param {IDBTransaction} transaction
 * @param {() => T} result
 * @returns {Promise<T>}
 */
export function done(transaction, result) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(result());
    transaction.onabort = () => reject(transaction.error);
  });
}
