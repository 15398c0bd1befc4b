// The days of a plan as bars: tokens stacked by provider, and on top what nobody serves.

import { element, write } from "./dom.js";
import { hue } from "./providers.js";
import { number, percent, plural, roughNumber } from "./words.js";

const SVG = "http://www.w3.org/2000/svg"; // a name: nobody asks for it
const TALL = 1000; // units of the drawing's height; a day is one unit wide
const GAP = 0.14; // of a day, between bars
const MANY = 120; // days from which on there is no room for gaps
const LINES = 4; // across the drawing, about
const DATES = 6; // below it

const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });
const wholeDay = new Intl.DateTimeFormat("en", { weekday: "short", month: "short", day: "numeric", timeZone: "UTC" });

export function drawDays(plan, heading) {
  const { days } = plan;
  const names = plan.providers.map((each) => each.name);
  const top = Math.max(1, ...days.map((each) => each.tokens));
  const readout = element("p", { class: "readout", "aria-hidden": "true" });
  const chart = drawing(days, stacks(days, names), top);
  const plot = element("div", { class: "days" }, ...scale(top), chart, ...dates(days));
  const usual = `${plural(days.length, "day")}, with ${roughNumber(plan.tokens_per_day)} tokens in ${roughNumber(plan.requests / Math.max(1, days.length))} requests a day`;
  chart.setAttribute("aria-label", inWords(plan));
  write(readout, usual);
  chart.addEventListener("pointermove", (event) => {
    const { left, width } = chart.getBoundingClientRect();
    const place = Math.floor(((event.clientX - left) / width) * days.length);
    write(readout, days[place] ? dayInWords(days[place]) : usual);
  });
  chart.addEventListener("pointerleave", () => write(readout, usual));
  return element("section", {}, element(heading, {}, "Tokens of each day"), key(plan), plot, readout, table(plan));
}

/** Of each provider, and of nobody, a list of [from, to] by day, in tokens. */
function stacks(days, names) {
  const height = new Array(days.length).fill(0);
  const on = (place, tokens) => [height[place], (height[place] += tokens)];
  const served = (each, name) => each.providers.find((one) => one.name === name)?.tokens ?? 0;
  const layers = names.map((name) => ({ hue: hue(name), parts: days.map((each, place) => on(place, served(each, name))) }));
  return [...layers, { hue: null, parts: days.map((each, place) => on(place, each.unserved_tokens)) }];
}

/** One path for all bars of a layer: a year of ten providers is ten nodes. It stretches to whatever place it has. */
function drawing(days, layers, top) {
  const made = drawn("svg", { viewBox: `0 0 ${days.length} ${TALL}`, preserveAspectRatio: "none", role: "img", class: "bars" });
  const wide = 1 - (days.length > MANY ? 0 : GAP);
  const y = (tokens) => Math.round(TALL * (1 - tokens / top) * 10) / 10;
  for (const value of lines(top)) made.append(drawn("path", { class: "line", d: `M0 ${y(value)}H${days.length}` }));
  for (const layer of layers) {
    const bars = layer.parts.map(([from, to], place) => (to > from ? `M${Math.round((place + (1 - wide) / 2) * 100) / 100} ${y(from)}h${wide}V${y(to)}h-${wide}z` : ""));
    made.append(drawn("path", { d: bars.join(""), ...(layer.hue === null ? { class: "unserved" } : { "data-hue": layer.hue }) }));
  }
  return made;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Round numbers up to the top. */
function lines(top) {
  const rough = top / LINES;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * unit).find((each) => each >= rough);
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, place) => place * step);
}

function scale(top) {
  const labels = lines(top).map((value) => {
    const label = element("span", {}, value ? roughNumber(value) : "0");
    label.style.bottom = `${(100 * value) / top}%`;
    return label;
  });
  // The widest label gives the column its width; the others stand over it.
  const widest = labels.reduce((one, other) => (other.textContent.length > one.textContent.length ? other : one));
  return [element("div", { class: "scale", "aria-hidden": "true" }, element("i", {}, widest.textContent), ...labels)];
}

function dates(days) {
  const every = Math.max(1, Math.ceil(days.length / DATES));
  const labels = days.flatMap((each, place) => {
    if (place % every) return [];
    const label = element("span", place % (2 * every) ? { class: "roomy" } : {}, day.format(new Date(each.date)));
    label.style.left = `${(100 * (place + 0.5)) / days.length}%`;
    return [label];
  });
  return [element("div", { class: "dates", "aria-hidden": "true" }, ...labels)];
}

function key({ providers, served }) {
  const entry = (name, share, attributes) => element("li", attributes, element("i", { class: "hue" }), name, " ", element("b", {}, percent(share)));
  const entries = providers.map((each) => entry(each.name, each.share, { "data-hue": hue(each.name) }));
  if (served < 1) entries.push(entry("nobody", 1 - served, { class: "unserved" }));
  return element("ul", { class: "key" }, ...entries);
}

function inWords({ days, providers, served, worst_day: worst }) {
  const shares = providers.map((each) => `${each.name} ${percent(each.share)}`);
  if (served < 1) shares.push(`nobody ${percent(1 - served)}`);
  return `Tokens of ${plural(days.length, "day")}, stacked by who serves them: ${shares.join(", ")}.${served < 1 ? ` The worst day is ${wholeDay.format(new Date(worst))}.` : ""}`;
}

function dayInWords({ date, tokens, providers, unserved_tokens: missed }) {
  const who = providers.filter((each) => each.tokens).map((each) => `${each.name} ${roughNumber(each.tokens)}`);
  if (missed) who.push(`nobody ${roughNumber(missed)}`);
  return `${wholeDay.format(new Date(date))}: ${tokens ? who.join(", ") : "no request"}`;
}

/** The same in numbers. A year of them is made only for who wants to see it. */
function table({ days, providers }) {
  const names = providers.map((each) => each.name);
  const place = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Tokens of each day by provider, as a table" });
  const made = element("details", {}, element("summary", {}, "As a table"), place);
  const tokens = (one, name) => one.providers.find((each) => each.name === name)?.tokens ?? 0;
  const cells = (texts) => texts.map((text) => element("td", { class: "number" }, text));
  const fill = () =>
    place.replaceChildren(
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Day"), ...[...names, "nobody", "served"].map((name) => element("th", { scope: "col", class: "number" }, name)))),
        element("tbody", {}, ...days.map((one) => element("tr", {}, element("th", { scope: "row" }, one.date), ...cells([...names.map((name) => number(tokens(one, name))), number(one.unserved_tokens), percent(one.served)])))),
      ),
    );
  made.addEventListener("toggle", fill, { once: true });
  return made;
}
