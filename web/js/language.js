/** The choice of a language, on every page. The server writes a part of the page, so the choice goes to it as a cookie. */

/** As web/pages.py calls it. */
const COOKIE = "aftertone-language";

/** How long it is remembered, in seconds: a year, and anew with every choice. */
const KEPT_S = 31_536_000;

const choice = /** @type {HTMLSelectElement} */ (document.querySelector("#language"));
choice.addEventListener("change", () => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${COOKIE}=${choice.value}; Path=/; Max-Age=${KEPT_S}; SameSite=Strict${secure}`;
  location.reload();
});
