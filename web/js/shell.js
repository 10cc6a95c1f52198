/** The page that this browser keeps for when there is no connection: taken, kept in the right language, forgotten. */

const PAGE = "/shell";
const NAME = "aftertone-shell ";

/** Take it, or its next version. A browser that cannot goes on without. */
export async function keep() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register(address());
    await navigator.serviceWorker.ready;
    await inThisLanguage();
  } catch {
    // Refused by the browser's settings, full, or the connection broke: the next visit tries again.
  }
}

/** Forget it: at log-out nothing of the visit stays. */
export async function wipe() {
  const workers = await navigator.serviceWorker?.getRegistrations() ?? [];
  await Promise.all(workers.map((one) => one.unregister()));
  const names = (await caches.keys()).filter((name) => name.startsWith(NAME));
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** The server wrote a part of the kept page in the language of that day. */
async function inThisLanguage() {
  const name = NAME + new URL(import.meta.url).pathname.replace(/\/js\/shell\.js$/, "");
  if (!await caches.has(name)) return; // of another version; its own page will see to it
  const cache = await caches.open(name);
  const text = await (await cache.match(PAGE))?.text();
  if (text?.includes(`<html lang="${document.documentElement.lang}"`)) return;
  const page = await fetch(PAGE, { cache: "no-store", redirect: "error" });
  if (page.ok && (await page.clone().text()).includes(new URL(import.meta.url).pathname.replace("shell.js", "inbox.js"))) await cache.put(PAGE, page);
}

/**
 * The worker's address as Trusted Types want it: the one policy there is makes this one address and no other.
 * @returns {string}
 */
function address() {
  const { trustedTypes } = /** @type {any} */ (window);
  const policy = trustedTypes?.createPolicy("aftertone", { createScriptURL: () => "/worker.js" });
  return policy ? policy.createScriptURL("") : "/worker.js";
}
