/**
 * Whose passkeys have opened notes in this browser: two user ids at most, which are random and tell no name. What a
 * passkey is asked for depends on whose it is, and at the login nobody has said that; with an id that is remembered
 * one touch does both, logging in and unlocking. It outlives a log-out, or every login would need two.
 */

const KEY = "aftertone-passkey-users";

/** As many as one touch can be asked for (WebAuthn, section 10.1.4: first and second). */
const MOST = 2;

const USER_ID = /^us_[a-z2-7]{16}$/;

/** @returns {string[]} the last one first */
export function known() {
  try {
    return read(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
  } catch {
    return []; // a browser that keeps nothing, or what somebody else left there
  }
}

/**
 * What stands in the storage is not taken on trust.
 * @param {unknown} stored
 * @returns {string[]}
 */
export function read(stored) {
  return Array.isArray(stored) ? stored.filter((id) => typeof id === "string" && USER_ID.test(id)).slice(0, MOST) : [];
}

/** @param {string} userId */
export function remember(userId) {
  keep([userId, ...known().filter((id) => id !== userId)].slice(0, MOST));
}

/** @param {string} userId who has no passkey any more */
export function forget(userId) {
  keep(known().filter((id) => id !== userId));
}

/** @param {string[]} ids */
function keep(ids) {
  try {
    if (ids.length) localStorage.setItem(KEY, JSON.stringify(ids));
    else localStorage.removeItem(KEY);
  } catch {
    // The next login takes two touches then.
  }
}
