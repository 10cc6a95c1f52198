/** Times and lengths in the viewer's zone and language. */

import { locale, say } from "./words.js";

const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });

/** @param {Date} time */
export const timeOfDay = (time) => clock.format(time);

/** @param {Date} time */
export const dateAndTime = (time) => short.format(time);

/** @param {Date} time */
export const inFull = (time) => full.format(time);

/**
 * A moment in a sentence: today its time alone.
 * @param {Date} time
 * @param {Date} [now]
 */
export const since = (time, now = new Date()) => (dayKey(time) === dayKey(now) ? clock : short).format(time);

/**
 * A stable key of the day in the viewer's zone.
 * @param {Date} time
 */
export const dayKey = (time) => `${time.getFullYear()}-${time.getMonth() + 1}-${time.getDate()}`;

/**
 * The heading above a day's rows.
 * @param {Date} time
 * @param {Date} [now]
 */
export function dayName(time, now = new Date()) {
  if (dayKey(time) === dayKey(now)) return say("today");
  if (dayKey(time) === dayKey(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return say("yesterday");
  return (time.getFullYear() === now.getFullYear() ? day : dayAndYear).format(time);
}

/**
 * 75 -> "1:15", as on every player.
 * @param {number} seconds
 */
export function length(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * 75 -> "1 minute 15 seconds", for those who listen to the page.
 * @param {number} seconds
 */
export function spoken(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [];
  if (whole >= 60) parts.push(unit(Math.floor(whole / 60), "minute"));
  if (whole % 60 || whole < 60) parts.push(unit(whole % 60, "second"));
  return parts.join(" ");
}

/**
 * @param {number} value
 * @param {"minute" | "second"} name
 */
function unit(value, name) {
  return new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "long" }).format(value);
}
