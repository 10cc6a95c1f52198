// What a passkey is asked for, to make of it the secret of a keyslot (FORMAT.md, "Keys").

import { concat, utf8 } from "./bytes.js";

/**
 * The eval input of WebAuthn's PRF extension for one user.
 * @param {string} userId
 */
export function passkeyInput(userId) {
  return concat(utf8("sn1 prf v1"), utf8(userId));
}
