// What is left of the day, the week and the month, how long it is expected to last, and the same of each provider.

import { drawBar } from "./cards.js";
import { $, fillList, mark, part, show, write } from "./dom.js";
import { hue, isAbsent } from "./providers.js";
import { countDown, now, until } from "./time.js";
import { amount, leftOf, limitWords, listed, money, number, plural, roughClock, roughNumber, roughly } from "./words.js";

const WINDOWS = {
  day: { title: "Today", rolling: "The next 24 hours", length: 86400 },
  week: { title: "This week", rolling: "The next 7 days", length: 7 * 86400 },
  month: { title: "This month", rolling: "The next 30 days", length: 30 * 86400 },
};
const NEVER = { p10: null, p50: null, p90: null };

let rates = new Map(); // tokens of the last hour per provider, from the history

export function learnRates(tokens) {
  rates = tokens;
}

export function drawLeft({ providers, capacity }) {
  const { burn_tokens_per_hour: burn, basis = "last_hour", windows = {}, providers: forecasts = {} } = capacity;
  const open = providers.filter((each) => !isAbsent(each));
  const shown = Object.keys(WINDOWS).filter((name) => windows[name]);
  write($("left-burn"), `${number(burn)} tokens in the last hour`);
  show($("left-guess"), basis === "last_hour" && shown.length > 0);
  show($("left-none"), shown.length === 0);
  show($("left-legend"), shown.some((name) => bandOf(windows[name]).p10));
  fillList($("windows"), "window", shown, (item, name) => drawWindow(item, name, windows[name], basis));
  show($("day").parentElement, open.length > 0);
  fillList($("day"), "day-row", open.flatMap((each) => rowsOf(each, forecasts[each.name])), drawRow);
}

/** From when on it may, will most likely, and surely will be used up. */
const bandOf = ({ exhausted, exhausted_at: end = null }) => exhausted ?? { p10: end, p50: end, p90: end };

function drawWindow(item, name, window, basis) {
  const { title, rolling, length } = WINDOWS[name];
  const ends = window.ends_at ?? null;
  const band = bandOf(window);
  mark(item, "window", name);
  mark(item, "ends", band.p50 ? "yes" : band.p10 ? "maybe" : "no");
  write(part(item, "title"), ends ? title : rolling);
  write(part(item, "left"), `${leftOf(window, true)} left`);
  write(part(item, "besides"), besides(window));
  write(part(item, "until"), ends ? `until ${clock(ends)}` : "");
  drawBand(item.querySelector(".band"), band, ends ? until(ends) : length);
  write(part(item, "ends"), verdict(band));
  write(part(item, "between"), between(band));
  write(part(item, "binding"), band.p50 && window.binding ? limitInWords(window.binding) : "");
  write(part(item, "expected"), window.expected ? expected(window.expected, ends, basis) : "");
}

const clock = (moment) => roughClock(moment, now());

function verdict({ p10, p50 }) {
  if (p50) return until(p50) > 0 ? `ends in ${roughly(until(p50))}, at ${clock(p50)}` : "used up";
  return p10 ? "lasts most likely" : "lasts";
}

function between({ p10, p50, p90 }) {
  if (!p10 || (p10 === p50 && p50 === p90)) return "";
  if (!p90) return `not before ${clock(p10)}`;
  return clock(p10) === clock(p90) ? "" : `between ${clock(p10)} and ${clock(p90)}`;
}

/** "or 46 requests; not counted: groq, without such a limit" */
function besides({ tokens_remaining: tokens, requests_remaining: requests, unlimited }) {
  const told = [tokens !== null && requests !== null ? `or ${plural(requests, "request")}` : "", unlimited.length ? `not counted: ${listed(unlimited)}, without such a limit` : ""];
  return told.filter(Boolean).join("; ");
}

/** From now to the end: what lasts, what may be used up by then, and what is. */
function drawBand(bar, { p10, p50, p90 }, length) {
  const share = (moment) => (moment ? Math.min(100, Math.max(0, (100 * until(moment)) / length)) : 100);
  const [lasts, maybe] = [share(p10), share(p90)];
  bar.children[0].style.width = `${lasts}%`;
  bar.children[1].style.width = `${maybe - lasts}%`;
  bar.children[2].style.width = `${100 - maybe}%`;
  show(bar.children[3], Boolean(p50));
  bar.children[3].style.left = `${share(p50)}%`;
}

/** 1.2M tokens (0.9M to 1.6M) and $0.40 are expected until 00:00 */
function expected({ tokens, cost_usd: dollars }, ends, basis) {
  if (!tokens.p50) return "";
  const band = tokens.p10 === tokens.p90 ? "" : ` (${roughNumber(tokens.p10)} to ${roughNumber(tokens.p90)})`;
  const cost = dollars?.p50 ? ` and ${money(Math.round(dollars.p50 * 100) / 100)}` : "";
  const pace = basis === "last_hour" ? "at the pace of the last hour" : "expected";
  return `${roughNumber(tokens.p50)} tokens${band}${cost} ${pace}${ends ? ` until ${clock(ends)}` : ""}`;
}

/** "groq tpd" is groq's tokens a day. */
function limitInWords(binding) {
  const end = binding.lastIndexOf(" ");
  return `${binding.slice(0, end)}, ${limitWords(binding.slice(end + 1))}`;
}

/** A line for each kind of window in which a provider has a limit; one without, where it has none. */
function rowsOf(provider, forecasts = {}) {
  const rows = Object.keys(WINDOWS).filter((name) => forecasts[name]).map((name) => ({ provider, forecast: forecasts[name] }));
  if (rows.length) return rows;
  return [{ provider, forecast: provider.limits.tpd ? { limit: "tpd", remaining: provider.limits.tpd.remaining } : null }];
}

function drawRow(row, { provider, forecast }) {
  const name = forecast?.limit;
  const limit = provider.limits[name] ?? null; // null: its models have one each
  mark(row, "hue", hue(provider.name));
  write(part(row, "name"), provider.name);
  write(part(row, "of"), name && name !== "tpd" ? limitWords(name) : "");
  show(row.querySelector(".bar"), limit !== null);
  if (limit) drawBar(row.querySelector(".bar"), `${provider.name}, ${limitWords(name)}`, name, limit);
  write(part(row, "used"), limit ? amount(name, limit.used) : forecast ? "–" : number(provider.usage_today.tokens));
  write(part(row, "limit"), limit ? amount(name, limit.limit) : forecast ? "by model" : "no limit");
  write(part(row, "left"), limit ? amount(name, limit.remaining) : forecast ? amount(name, forecast.remaining) : "–");
  write(part(row, "rate"), rates.has(provider.name) ? number(rates.get(provider.name)) : "–");
  write(part(row, "lasts"), forecast ? lasting(forecast) : "–");
  countDown(part(row, "resets"), limit && limit.used ? limit.resets_at : null, "");
}

function lasting({ remaining, exhausted = NEVER }) {
  if (remaining <= 0) return "used up";
  if (exhausted.p50) return `ends in ${roughly(until(exhausted.p50))}`;
  return exhausted.p10 ? "lasts most likely" : "lasts";
}
