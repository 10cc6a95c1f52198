/** Elements built by hand: texts only ever enter as text nodes, so no caller's name can become markup. */

import { inWords } from "./refusal.js";
import { say } from "./words.js";

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Make one element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] true sets an empty
 *   attribute; false, null and undefined leave it out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...present(children));
  return element;
}

/**
 * Make one SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...present(children));
  return element;
}

/** Shapes of the few icons, in a box of 24. */
const SHAPES = {
  play: "M7 4.6v14.8a1 1 0 0 0 1.5.86l12.3-7.4a1 1 0 0 0 0-1.72L8.5 3.74A1 1 0 0 0 7 4.6z",
  pause: "M7.5 4h2A1.5 1.5 0 0 1 11 5.5v13A1.5 1.5 0 0 1 9.5 20h-2A1.5 1.5 0 0 1 6 18.5v-13A1.5 1.5 0 0 1 7.5 4zm7 0h2A1.5 1.5 0 0 1 18 5.5v13a1.5 1.5 0 0 1-1.5 1.5h-2a1.5 1.5 0 0 1-1.5-1.5v-13A1.5 1.5 0 0 1 14.5 4z",
  people: "M9 11.5a3.75 3.75 0 1 0 0-7.5 3.75 3.75 0 0 0 0 7.5zm-6.5 7.2c0-3 2.9-5.2 6.5-5.2s6.5 2.2 6.5 5.2c0 .7-.6 1.3-1.3 1.3H3.8c-.7 0-1.3-.6-1.3-1.3zm13-7.4a3.3 3.3 0 1 0-1.1-6.4 5.6 5.6 0 0 1-.3 6.1c.4.2.9.3 1.4.3zm1.9 8.7h2.9c.7 0 1.2-.5 1.2-1.2 0-2.6-2.1-4.6-4.9-4.9a6.7 6.7 0 0 1 .8 6.1z",
  back: "M11.6 5.6v12.8a.7.7 0 0 1-1.1.57L1.9 12.6a.75.75 0 0 1 0-1.2l8.6-6.37a.7.7 0 0 1 1.1.57zm10 0v12.8a.7.7 0 0 1-1.1.57l-8.6-6.37a.75.75 0 0 1 0-1.2l8.6-6.37a.7.7 0 0 1 1.1.57z",
  forward: "M12.4 5.6v12.8a.7.7 0 0 0 1.1.57l8.6-6.37a.75.75 0 0 0 0-1.2l-8.6-6.37a.7.7 0 0 0-1.1.57zm-10 0v12.8a.7.7 0 0 0 1.1.57l8.6-6.37a.75.75 0 0 0 0-1.2L3.5 5.03a.7.7 0 0 0-1.1.57z",
  skip: "M2 8.5h2.2v7H2zm3.6-4h2.2v15H5.6zm10.6 0h2.2v15h-2.2zm3.6 4H22v7h-2.2zM9.4 11h1.3v2H9.4zm2.3 0H13v2h-1.3zm2.3 0h1.3v2H14z",
  onward: "M3 5h18v2.2H3zm0 5.9h10v2.2H3zm0 5.9h10V19H3zm13-5.4v9.2l6.5-4.6z",
  save: "M10.9 3h2.2v9.3l3.7-3.7 1.5 1.5L12 16.4l-6.3-6.3 1.5-1.5 3.7 3.7zM4 18.6h16v2.2H4z",
  share: "M12 2.2l4.9 4.9-1.5 1.5-2.3-2.3v8.9h-2.2V6.3L8.6 8.6 7.1 7.1zM5 10.4h3v2.2H6.7v6.7h10.6v-6.7H16v-2.2h3c.3 0 .5.2.5.5v10.1c0 .3-.2.5-.5.5H5a.5.5 0 0 1-.5-.5V10.9c0-.3.2-.5.5-.5z",
  more: "M5 10.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6zm7 0a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6zm7 0a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z",
  book: "M5 3h12a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zm6.5 4a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2zm-4.4 9.6c0 .5.4.9.9.9h7c.5 0 .9-.4.9-.9 0-1.9-2-3.4-4.4-3.4s-4.4 1.5-4.4 3.4z",
  close: "M6.7 5.3 12 10.6l5.3-5.3 1.4 1.4-5.3 5.3 5.3 5.3-1.4 1.4-5.3-5.3-5.3 5.3-1.4-1.4 5.3-5.3-5.3-5.3z",
};

/**
 * One icon; the button around it carries the name.
 * @param {keyof typeof SHAPES} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: SHAPES[name] }));
}

/** What somebody typed is not right; for people. The first of the fields gets the message and the focus. */
export class FieldError extends Error {
  /**
   * @param {string} message
   * @param {...HTMLElement} fields
   */
  constructor(message, ...fields) {
    super(message);
    this.fields = fields;
  }
}

/**
 * Run a form's work once at a time, with its button resting and one place for what went wrong.
 * @param {HTMLFormElement} form
 * @param {HTMLElement} problem in the form; it moves to the field that a FieldError names, and back
 * @param {() => Promise<void>} work throws Error whose message is for people
 */
export function onSubmit(form, problem, work) {
  form.noValidate = true;
  const { nextSibling: after } = problem;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = [...form.querySelectorAll("button")];
    if (buttons.some((button) => button.disabled)) return;
    problem.textContent = "";
    form.insertBefore(problem, after);
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    const submit = /** @type {HTMLButtonElement} */ (event.submitter ?? form.querySelector("button[type=submit]"));
    const text = submit.textContent;
    submit.textContent = say("working");
    for (const button of buttons) button.disabled = true;
    form.setAttribute("aria-busy", "true");
    await painted();
    try {
      await work();
    } catch (error) {
      if (error instanceof FieldError) mark(error.fields, problem);
      problem.textContent = inWords(error);
    } finally {
      form.removeAttribute("aria-busy");
      submit.textContent = text;
      for (const button of buttons) button.disabled = false;
    }
  });
}

/**
 * @param {HTMLElement[]} fields
 * @param {HTMLElement} problem
 */
function mark(fields, problem) {
  for (const field of fields) field.setAttribute("aria-invalid", "true");
  (fields[0]?.closest(".pair") ?? fields[0]?.closest(".field"))?.append(problem);
  fields[0]?.focus();
}

/** Wait until what was just changed can be seen: deriving a key holds the page for about a second. */
function painted() {
  return new Promise((resolve) => { setTimeout(resolve, 40); });
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function present(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child !== null && child !== undefined && child !== false));
}
