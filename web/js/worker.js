/**
 * The service worker: the inbox opens without a connection. It keeps the page without rows and the files of one
 * version, and nothing of anybody. With a connection the server's own page is always taken; its files have its
 * version in their addresses, so old and new never mix.
 */

/** @type {any} the types of a worker's globals and of a page's exclude each other */
const worker = self;

/** @type {{prefix: string, files: string[]}} of this version; web/routes/shell.py writes it above */
const { prefix, files } = worker.SHELL;

const PAGE = "/shell";
const NAME = "aftertone-shell ";

/** Versions kept: this one, and the one before for pages that still stand open or are just being loaded. */
const KEPT = 2;

/** What a proxy says whose server is away. */
const AWAY = [502, 503, 504];

/** All or nothing: a version of which something is missing is not taken. */
async function install() {
  const cache = await caches.open(NAME + prefix);
  const page = await fetch(PAGE, { cache: "no-store" });
  const text = await page.clone().text();
  // Between the worker's script and this page the server may have been renewed.
  if (!page.ok || !text.includes(`${prefix}/js/inbox.js`)) throw new TypeError("the page is of another version");
  await cache.addAll(files);
  await cache.put(PAGE, page);
  await worker.skipWaiting();
}

async function activate() {
  const names = (await caches.keys()).filter((name) => name.startsWith(NAME) && name !== NAME + prefix);
  await Promise.all(names.slice(0, Math.max(0, names.length - KEPT + 1)).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** @param {Request} request */
async function page(request) {
  let answer = null;
  try {
    answer = await fetch(request);
    if (!AWAY.includes(answer.status)) return answer;
  } catch {
    // No connection: the kept page tells what can be done without.
  }
  const kept = await caches.match(PAGE, { cacheName: NAME + prefix });
  return kept ?? answer ?? Response.error();
}

/** @param {Request} request */
async function file(request) {
  return await caches.match(request) ?? fetch(request);
}

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (request.mode === "navigate" && pathname === "/") event.respondWith(page(request));
});
