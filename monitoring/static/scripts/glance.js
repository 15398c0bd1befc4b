// Four answers at a glance: who answers now, who is unavailable, what is left of today, what happened in the last hour.

import { $, element, refill, show, write } from "./dom.js";
import { hue, isAbsent, isUnavailable, statusWord } from "./providers.js";
import { inTime, until } from "./time.js";
import { leftOf, listed, number, plural, roughly } from "./words.js";

const MOST = 4; // lines of a tile

export function drawGlance(status) {
  drawAnswering(status);
  drawUnavailable(status);
  drawLeft(status);
}

/** The provider of the first group, for the title of the tab. */
export const answering = ({ next }) => Object.values(next)[0] ?? "nobody";

function drawAnswering({ next, providers }) {
  const groups = Object.keys(next).sort((one, other) => (other === "default") - (one === "default"));
  const names = [...new Set(groups.map((group) => next[group]))];
  const served = (name) => listed(groups.filter((group) => next[group] === name));
  refill($("answering"), [names, names.map(served)], () => {
    if (names.length === 0) return [element("li", {}, who(null))];
    return names.map((name) => element("li", {}, who(name), " ", element("span", { class: "small" }, `for ${served(name)}`)));
  });
  // A group that nobody serves: who is back first?
  const first = soonest(providers);
  const waits = names.includes(null) && first;
  show($("first-back"), Boolean(waits));
  if (waits) write($("first-back"), `first back: ${first.name}, ${inTime(first.available_at)}`);
}

const who = (name) =>
  name === null ? element("strong", { class: "nobody" }, "nobody") : element("strong", { "data-hue": hue(name) }, element("i", { class: "hue" }), name);

function soonest(providers) {
  const back = providers.filter((each) => each.available_at !== null);
  return back.sort((one, other) => one.available_at.localeCompare(other.available_at))[0] ?? null;
}

function drawUnavailable({ providers }) {
  const unavailable = providers.filter(isUnavailable);
  const absent = providers.filter((each) => each.status === "unconfigured");
  const shown = unavailable.slice(0, unavailable.length > MOST ? MOST - 1 : MOST).map((each) => [each.name, each.status, each.available_at]);
  refill($("unavailable"), [shown, unavailable.length, absent.length], () => {
    const lines = shown.map(([name, status, back]) => {
      const time = element("span", { class: "small" });
      if (back !== null) time.dataset.until = back;
      if (back !== null) time.textContent = inTime(back);
      return element("li", { "data-status": status }, element("strong", { "data-hue": hue(name) }, element("i", { class: "hue" }), name), " ", element("span", { class: "tone" }, statusWord({ status })), " ", time);
    });
    if (shown.length < unavailable.length) lines.push(element("li", { class: "small" }, `and ${unavailable.length - shown.length} more`));
    if (lines.length === 0) lines.push(element("li", { class: "big" }, providers.every(isAbsent) ? "–" : "nobody"));
    if (absent.length && lines.length < MOST) lines.push(element("li", { class: "small" }, `${absent.length} of ${providers.length} without a key`));
    return lines;
  });
}

function drawLeft({ providers, capacity }) {
  const open = providers.some((each) => !isAbsent(each));
  const { tokens_remaining_today: left, burn_tokens_per_hour: burn, exhausted_at: end, unlimited } = capacity;
  const besides = left !== null && unlimited.length ? `; not counted: ${unlimited.join(", ")}, without a daily limit` : "";
  write($("left"), !open ? "–" : left === null ? "no daily limit" : number(left));
  const longer = ["week", "month"].filter((window) => capacity.windows?.[window]);
  show($("left-longer"), longer.length > 0);
  write($("left-longer"), longer.map((window) => `this ${window} ${leftOf(capacity.windows[window], true)}`).join(", "));
  write($("left-unit"), open && left !== null ? " tokens" : "");
  write($("lasts"), !open ? "" : burn ? `${number(burn)} used in the last hour; ${end ? `ends in ${roughly(until(end))}` : "lasts the day"}${besides}` : `nothing used in the last hour${besides}`);
}

/** From the history: requests, errors and events of the last hour. */
export function drawHour({ answered, errors, events }) {
  write($("hour"), number(answered));
  write($("hour-unit"), answered === 1 ? " request" : " requests");
  const count = (kind) => events.filter((each) => each.kind === kind).length;
  const told = [
    [count("failover"), "failover"],
    [count("cooldown"), "cooldown"],
    [count("disabled"), "key disabled"],
    [errors, "error"],
  ].filter(([many]) => many);
  write($("hour-events"), told.map(([many, word]) => (word === "key disabled" ? `${number(many)} disabled` : plural(many, word))).join(" · ") || "no failover, no cooldown, no error");
}
