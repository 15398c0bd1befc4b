// Who answered: requests per provider and slot of time, stacked, with what happened marked above. Drawn by uPlot.

import { $, element, refill, write } from "./dom.js";
import { KINDS } from "./happened.js";
import { hue } from "./providers.js";
import { number, plural, shortClock } from "./words.js";

const HEIGHT = 220;
const HEADROOM = 26; // pixels above the bars, for the marks

const dark = matchMedia("(prefers-color-scheme: dark)");

let plot = null;
let past = null;
let drawn = ""; // what the present plot was made for: it is made anew only when that changes

export function drawChart(history) {
  past = history;
  drawKey();
  drawTable();
  const made = JSON.stringify([past.hours, past.providers.map((each) => each.name)]);
  if (plot === null || drawn !== made) make();
  else plot.setData(columns());
  drawn = made;
  write($("readout"), usualReadout());
}

const answeredBy = (provider, place) => Math.max(0, provider.requests[place] - provider.errors[place]);
const total = (provider) => provider.requests.reduce((sum, _, place) => sum + answeredBy(provider, place), 0);

/** uPlot has no stacks: each provider's bar stands for itself and all before it, and the tallest are drawn first. */
function columns() {
  const times = past.slots.map((each) => Date.parse(each) / 1000);
  const heights = new Array(times.length).fill(0);
  const stacked = past.providers.map((provider) => {
    provider.requests.forEach((_, place) => (heights[place] += answeredBy(provider, place)));
    return heights.slice();
  });
  return [times, ...stacked.reverse()];
}

function make() {
  plot?.destroy();
  const bars = uPlot.paths.bars({ size: [0.86, 40], align: 1 });
  const fills = past.providers.map((each) => `c${hue(each.name)}`).reverse();
  const axis = { stroke: () => colour("soft"), font: `11px ${family()}`, ticks: { show: false }, grid: { stroke: () => colour("line"), width: 1 } };
  const options = {
    width: $("chart").clientWidth,
    height: HEIGHT,
    padding: [HEADROOM, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => [Date.parse(past.from) / 1000, Date.parse(past.to) / 1000] },
      y: { range: (_, __, highest) => [0, Math.max(4, highest * 1.05)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 60, values: (_, moments) => moments.map((each) => shortClock(each * 1000)) },
      { ...axis, size: 36, space: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000] },
    ],
    series: [{}, ...fills.map((name) => ({ paths: bars, points: { show: false }, fill: () => colour(name), width: 0 }))],
    hooks: { draw: [drawMarks], setCursor: [readOut] },
  };
  plot = new uPlot(options, columns(), $("chart"));
}

const family = () => getComputedStyle(document.body).fontFamily;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

/** Above the bars: a sign for each event, and for a cooldown how long it lasts, in the colour of the provider. */
function drawMarks(u) {
  const { ctx, bbox } = u;
  const scale = devicePixelRatio;
  const x = (moment) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, u.valToPos(Date.parse(moment) / 1000, "x", true)));
  ctx.save();
  ctx.font = `${10 * scale}px ${family()}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const { at, kind, provider, until } of past.events) {
    if (Date.parse(at) < Date.parse(past.from)) continue;
    const lane = kind === "failover" ? 8 : 19;
    ctx.fillStyle = ctx.strokeStyle = colour(`c${hue(provider)}`);
    if (until) ctx.fillRect(x(at), (lane - 1) * scale, x(until) - x(at), 2 * scale);
    ctx.globalAlpha = 0.3;
    ctx.fillRect(x(at) - scale / 2, (lane + 6) * scale, scale, bbox.top + bbox.height - (lane + 6) * scale);
    ctx.globalAlpha = 1;
    ctx.fillText(KINDS[kind]?.sign ?? "●", x(at), lane * scale);
  }
  ctx.restore();
}

/** What the slot under the pointer holds. */
function readOut(u) {
  const place = u.cursor.idx;
  if (place === null || place === undefined || u.cursor.left < 0) return write($("readout"), usualReadout());
  const from = Date.parse(past.slots[place]);
  const who = past.providers.filter((each) => answeredBy(each, place)).map((each) => `${each.name} ${number(answeredBy(each, place))}`);
  write($("readout"), `${shortClock(from)} to ${shortClock(from + past.slot_seconds * 1000)}: ${who.join(", ") || "no request"}`);
}

function usualReadout() {
  const all = past.providers.reduce((sum, each) => sum + total(each), 0);
  const slot = past.slot_seconds === 60 ? "a minute" : `${past.slot_seconds / 60} minutes`;
  return `${plural(all, "request")} answered; a bar is ${slot}`;
}

function drawKey() {
  const kinds = Object.keys(KINDS).map((kind) => ({ ...KINDS[kind], count: past.events.filter((each) => each.kind === kind).length }));
  const marked = kinds.filter((each) => each.count);
  refill($("key"), past.providers.map((each) => [each.name, total(each)]), () =>
    past.providers.map((each) => element("li", { "data-hue": hue(each.name) }, element("i", { class: "hue" }), each.name, " ", element("b", {}, number(total(each))))),
  );
  refill($("marks"), marked, () => marked.map(({ sign, word, count }) => element("li", {}, element("i", { "aria-hidden": "true" }, sign), plural(count, word))));
  const told = past.providers.map((each) => `${each.name} ${number(total(each))}`).join(", ");
  const events = marked.map(({ word, count }) => plural(count, word)).join(", ") || "No failover, no cooldown";
  $("chart").setAttribute("aria-label", `Requests answered in the last ${past.hours === 1 ? "hour" : `${past.hours} hours`}: ${told}. ${events}.`);
}

/** The same in numbers, in a dozen lines or two. */
function drawTable() {
  const lines = past.hours === 1 ? 12 : 24;
  const each = Math.ceil(past.slots.length / lines);
  const [head, body] = [$("chart-table").tHead, $("chart-table").tBodies[0]];
  refill(head, past.providers.map((one) => one.name), () => [
    element("tr", {}, element("th", { scope: "col" }, "From"), ...past.providers.map((one) => element("th", { scope: "col", class: "number" }, one.name))),
  ]);
  const sums = Array.from({ length: Math.ceil(past.slots.length / each) }, (_, line) => {
    const places = past.slots.map((__, place) => place).slice(line * each, (line + 1) * each);
    return [past.slots[places[0]], ...past.providers.map((one) => places.reduce((sum, place) => sum + answeredBy(one, place), 0))];
  }).reverse();
  refill(body, sums, () => sums.map(([from, ...counts]) => element("tr", {}, element("th", { scope: "row" }, shortClock(from)), ...counts.map((count) => element("td", { class: "number" }, number(count))))));
}

/** The plot follows the width of its place, and the colours of the page. */
export function keepChartInShape() {
  new ResizeObserver(() => plot?.setSize({ width: $("chart").clientWidth, height: HEIGHT })).observe($("chart"));
  dark.addEventListener("change", () => plot?.redraw());
}
