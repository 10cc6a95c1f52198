/** One more passkey: my key is opened by what opens it now, and closed anew under the passkey's own secret. */

import * as api from "./api.js";
import { openedRaw } from "./identity.js";
import { remember } from "./known.js";
import { disown, make } from "./passkey.js";
import { fromBase64url, toBase64url } from "./seal/bytes.js";
import { makeKeyslot, SlotKind } from "./seal/keys.js";
import { locale, say } from "./words.js";

/** A name that tells nothing of device or owner. */
export function neutralName() {
  return say("passkey_of", { day: new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" }).format(new Date()) });
}

/**
 * @param {import("./api.js").Me} me
 * @param {import("./identity.js").What} what passphrase or recovery code
 * @param {string} name which the server can read
 * @param {() => void} onceMore called before the device is asked a second time
 * @returns {Promise<boolean>} false when the device's passkeys have no secret to open anything with; nothing is kept then
 * @throws {Error} for people
 */
export async function addPasskey(me, what, name, onceMore) {
  const { userSecret, auth } = await openedRaw(me, what);
  try {
    const options = await api.post("me/passkeys/start", { auth: toBase64url(auth) });
    const { id, answer, secret } = await make(options, me.user, onceMore);
    try {
      if (!secret) {
        disown(options.rp_id, id);
        return false;
      }
      const slot = await makeKeyslot({
        kind: SlotKind.PASSKEY, secret, userSecret, userPublic: fromBase64url(me.user.public), userId: me.user.id,
      });
      await api.post("me/passkeys", { ceremony: options.ceremony, ...answer, slot: toBase64url(slot), name });
      secret.fill(0);
    } catch (error) {
      disown(options.rp_id, id);
      throw error;
    }
    remember(me.user.id);
    return true;
  } finally {
    userSecret.fill(0);
  }
}
