/** Giving a mailbox to somebody who has a user name here already. */

import * as api from "./api.js";
import { FieldError, h, onSubmit } from "./dom.js";
import { say } from "./words.js";

/** @typedef {import("./api.js").Member} Member */

/**
 * @param {string} mailboxId
 * @param {(member: Member) => Promise<void>} added told who waits for approval now
 * @returns {HTMLFormElement}
 */
export function addForm(mailboxId, added) {
  const name = h("input", { id: "add-name", maxlength: 200, required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h("form", { class: "adding" },
    h("div", { class: "field" }, h("label", { for: "add-name" }, say("member_add_name")),
      h("div", { class: "beside" }, name, h("button", { type: "submit", class: "quiet" }, say("member_add"))),
      h("p", { class: "hint" }, say("member_add_hint"))),
    problem);
  onSubmit(form, problem, async () => {
    if (!name.value.trim()) throw new FieldError(say("member_add_nobody"), name);
    try {
      await added(await api.post(`mailboxes/${mailboxId}/members`, { name: name.value }));
    } catch (error) {
      if (error instanceof api.ApiError && error.word === "no such user") throw new FieldError(say("member_unknown"), name);
      throw error;
    }
    name.value = "";
  });
  return form;
}
