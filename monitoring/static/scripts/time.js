// The server's clock, and the countdowns to its moments.

import { mark, write } from "./dom.js";
import { clock, duration, plural, roughly } from "./words.js";

const BLUR = 2000; // milliseconds of difference that are not one: documents carry whole seconds, and travel

let ahead = 0; // milliseconds by which the server's clock is ahead of ours
let learnsAnew = true;

/** A connection begins: the next document tells the server's clock, whatever was thought of it before. */
export function learnClockAnew() {
  learnsAnew = true;
}

/** A document was made at this moment. It may have waited since, so the latest moment heard is the truest. */
export function learnClock(generatedAt) {
  const difference = Date.parse(generatedAt) - Date.now();
  if (learnsAnew || difference > ahead) ahead = difference;
  learnsAnew = false;
}

/** Milliseconds of the server's clock. */
export const now = () => Date.now() + (Math.abs(ahead) < BLUR ? 0 : ahead);

/** Seconds from the server's present to a moment of its. */
export const until = (moment) => (Date.parse(moment) - now()) / 1000;

export const at = (moment) => clock(moment, now());

/** "in 4 min 32 s"; a moment that has passed is due, since only the server can say what came of it. */
export const inTime = (moment) => (until(moment) > 0 ? `in ${duration(until(moment))}` : "due");

/** "3 days", "5 h": how long ago a moment was, roughly. */
export function forHowLong(moment) {
  const days = Math.floor(-until(moment) / 86400);
  return days < 2 ? roughly(-until(moment)) : plural(days, "day");
}

/** Write `before` and a countdown that ticks from now on; without a moment, nothing. */
export function countDown(node, moment, before = "") {
  mark(node, "until", moment);
  mark(node, "before", moment === null ? null : before);
  write(node, moment === null ? "" : before + inTime(moment));
}

/** Once a second: let every countdown of the page tick. */
export function tick() {
  for (const node of document.querySelectorAll("[data-until]")) {
    write(node, (node.dataset.before ?? "") + inTime(node.dataset.until));
  }
}
