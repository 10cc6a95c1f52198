/** The button that logs out: nothing that waits to be sent is lost unasked, and the words where the server is away. */

import { h } from "./dom.js";
import { logOut, settle, within } from "./leaving.js";
import { sure } from "./sure.js";
import { say } from "./words.js";

/** How long a log-out waits for marks to be sent, and how often the server is tried to be told of it. */
const MARKS_MS = 3000;
const AGAIN_MS = 15_000;

/**
 * @param {Element | null} button
 * @param {() => {marks: import("./marks.js").Marks | null, csrf: string | null}} visit csrf: null while nobody knows
 * @param {{begun: () => void, forgotten: () => void}} tell begun: nothing can stop it any more
 */
export function offerLogOut(button, visit, tell) {
  button?.addEventListener("click", async () => {
    const { marks, csrf } = visit();
    await within(MARKS_MS, marks?.send() ?? Promise.resolve()).catch(() => undefined);
    const unsent = marks?.unsent ?? 0;
    if (unsent && !(await sure(say("log_out_title"), [say("log_out_marks", { n: unsent })], say("log_out_anyway")))) return;
    tell.begun();
    const told = await logOut(csrf);
    tell.forgotten();
    if (told) location.replace("/login");
    else farewell();
  });
}

/** The visit is over, and the server does not know yet. */
function farewell() {
  const words = h("main", { class: "empty", tabindex: -1 }, h("h1", {}, say("logged_out")), h("p", { role: "status" }, say("log_out_owed")));
  document.body.replaceChildren(words);
  words.focus();
  const again = async () => {
    if (await settle()) location.replace("/login");
  };
  addEventListener("online", () => void again());
  setInterval(() => void again(), AGAIN_MS);
}
