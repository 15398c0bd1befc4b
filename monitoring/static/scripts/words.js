// Words for numbers, moments and names.

const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 4 });
const clockTime = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const hourMinute = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const monthDay = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const weekday = new Intl.DateTimeFormat("en", { weekday: "short" });

/** 812, 41,200, 15.1M */
export const number = (value) => (value < 1000000 ? exact : compact).format(value);
/** 812, 41.2K, 15.1M: to three digits. */
export const roughNumber = (value) => compact.format(value);
/** Rounded down, so that 100 % means all; what is not nothing is not told as 0. */
export const percent = (share) => (share >= 1 ? "100 %" : share > 0 && share < 0.001 ? "< 0.1 %" : `${Math.floor(share * 1000) / 10} %`);
export const money = (value) => dollars.format(value);
export const cents = (value) => (value < 0.005 ? "< $0.01" : `$${value.toFixed(2)}`);
const MOST = 4; // names in a line
/** groq, gemini and 2 more */
export const listed = (names) => names.slice(0, MOST).join(", ") + (names.length > MOST ? ` and ${names.length - MOST} more` : "");
export const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;
export const words = (name) => name.replaceAll("_", " ");

const WINDOWS = {
  rpm: "requests a minute",
  tpm: "tokens a minute",
  rpd: "requests a day",
  tpd: "tokens a day",
  usd_per_day: "dollars a day",
  rph: "requests an hour",
  tph: "tokens an hour",
  rpw: "requests a week",
  tpw: "tokens a week",
  rpmo: "requests a month",
  tpmo: "tokens a month",
  usd_per_month: "dollars a month",
  parallel: "requests at a time",
  itpm: "input tokens a minute",
  otpm: "output tokens a minute",
  itpd: "input tokens a day",
  otpd: "output tokens a day",
};

/** The limit of which nothing is used but what is under way. */
export const IN_FLIGHT = "parallel";

/** A limit in words; an odd one is called requests_per_5h. */
export const limitWords = (name) => WINDOWS[name] ?? name.replace("_per_", " in ");

/** 41,200 tokens, 46 requests: what the limits of a week or a month leave; brief: only the first that is known. */
export function leftOf({ tokens_remaining: tokens, requests_remaining: requests }, brief = false) {
  const told = [tokens === null ? null : `${number(tokens)} tokens`, requests === null ? null : plural(requests, "request")].filter(Boolean);
  return (brief ? told.slice(0, 1) : told).join(", ") || "unknown as yet";
}

/** An amount of what a window counts. */
export const amount = (window, value) => (window.startsWith("usd") ? money : number)(value);

/** 14:05:10, with the day where it is not today's. */
export function clock(moment, now = Date.now()) {
  const date = new Date(moment);
  const time = clockTime.format(date);
  return date.toDateString() === new Date(now).toDateString() ? time : `${weekday.format(date)} ${time}`;
}

/** 14:05, Fri 14:05 within a week, Dec 14 later: a moment that is only estimated. */
export function roughClock(moment, now = Date.now()) {
  const date = new Date(moment);
  if (date.toDateString() === new Date(now).toDateString()) return hourMinute.format(date);
  return Math.abs(date - now) < 6 * 86400_000 ? `${weekday.format(date)} ${hourMinute.format(date)}` : monthDay.format(date);
}

export const shortClock = (moment) => hourMinute.format(new Date(moment));

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/** 3 min, 8 h: what is only estimated. */
export function roughly(seconds) {
  if (seconds < 60) return "a minute";
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

export function seconds(value) {
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(value < 10 ? 2 : 0)} s`;
}
