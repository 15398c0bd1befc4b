// What is left of today: over all providers, and the tokens of the day of each against its limit.

import { drawBar } from "./cards.js";
import { $, fillList, mark, part, show, write } from "./dom.js";
import { hue, isAbsent } from "./providers.js";
import { at, countDown, until } from "./time.js";
import { leftOf, limitWords, number, roughly } from "./words.js";

let rates = new Map(); // tokens of the last hour per provider, from the history

export function learnRates(tokens) {
  rates = tokens;
}

export function drawLeft({ providers, capacity }) {
  const { tokens_remaining_today: left, burn_tokens_per_hour: burn, exhausted_at: end, binding, unlimited } = capacity;
  const open = providers.filter((each) => !isAbsent(each));
  write($("left-tokens"), open.length === 0 ? "–" : left === null ? "no daily limit" : number(left));
  write($("left-of"), unlimited.length ? `tokens left, beside ${unlimited.join(", ")} without a daily limit` : "tokens left, all providers");
  write($("left-burn"), `${number(burn)} tokens`);
  write($("left-end"), end ? `ends in ${roughly(until(end))}` : burn ? "lasts the day" : "–");
  write($("left-end-at"), end ? `at ${at(end)}` : "");
  write($("left-binding"), binding ? limitInWords(binding) : "none");
  drawLonger("week", capacity.windows?.week);
  drawLonger("month", capacity.windows?.month);
  show($("day").parentElement, open.length > 0);
  fillList($("day"), "day-row", open, drawRow);
}

/** A week or a month, where a provider in use has such a limit. */
function drawLonger(window, left) {
  show($(`left-${window}`).closest("div"), left !== undefined);
  if (!left) return;
  const { exhausted_at: end, binding } = left;
  write($(`left-${window}`), leftOf(left));
  write($(`left-${window}-end`), end ? `ends in ${roughly(until(end))}: ${limitInWords(binding)}` : `lasts the ${window}`);
}

/** "groq tpd" is groq's tokens a day. */
function limitInWords(binding) {
  const end = binding.lastIndexOf(" ");
  return `${binding.slice(0, end)}, ${limitWords(binding.slice(end + 1))}`;
}

/** Whether a day lasts at the rate of its last hour. */
function lasting({ remaining, resets_at: reset }, rate) {
  if (remaining <= 0) return "used up";
  const seconds = rate > 0 ? (3600 * remaining) / rate : Infinity;
  return seconds < 86400 && (reset === null || seconds < until(reset)) ? `ends in ${roughly(seconds)}` : "lasts";
}

function drawRow(row, provider) {
  const limit = provider.limits.tpd ?? null;
  mark(row, "hue", hue(provider.name));
  write(part(row, "name"), provider.name);
  show(row.querySelector(".bar"), limit !== null);
  if (limit) drawBar(row.querySelector(".bar"), `${provider.name}, ${limitWords("tpd")}`, "tpd", limit);
  write(part(row, "used"), number(limit ? limit.used : provider.usage_today.tokens));
  write(part(row, "limit"), limit ? number(limit.limit) : "no limit");
  write(part(row, "left"), limit ? number(limit.remaining) : "–");
  write(part(row, "rate"), rates.has(provider.name) ? number(rates.get(provider.name)) : "–");
  write(part(row, "lasts"), limit ? lasting(limit, rates.get(provider.name) ?? 0) : "–");
  countDown(part(row, "resets"), limit && limit.used ? limit.resets_at : null, "");
}
