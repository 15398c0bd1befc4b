// The hours of the week as a heat map: in which of them requests are not served; where all are, in which they come.

import { element, write } from "./dom.js";
import { number, percent } from "./words.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WHOLE = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
const HOURS = 24;
const NAMED = 6; // every so many hours
const STEPS = [0.05, 0.2, 0.5, 0.8]; // of a share, between five shades

export function drawWeek({ week, timezone }, heading) {
  const missed = week.unserved.some(Boolean);
  const most = Math.max(1, ...week.requests);
  const share = (place) => (missed ? week.unserved[place] / week.requests[place] : week.requests[place] / most);
  const level = (place) => (week.requests[place] === 0 ? "none" : share(place) === 0 ? 0 : 1 + STEPS.filter((each) => share(place) > each).length);
  const told = (place) => {
    if (week.requests[place] === 0) return "no request";
    return missed ? `${percent(share(place))} of ${number(week.requests[place])} requests not served` : `${number(week.requests[place])} requests`;
  };
  const readout = element("p", { class: "readout", "aria-hidden": "true" }, worst());
  const grid = element(
    "table",
    { class: "week", "data-of": missed ? "unserved" : "requests" },
    element("caption", { class: "unseen" }, `${missed ? "Requests that are not served" : "Requests"} by hour of the week, ${timezone}. ${worst()}`),
    element("thead", {}, element("tr", {}, element("td"), ...Array.from({ length: HOURS }, (_, hour) => element("th", { scope: "col" }, hour % NAMED ? element("span", { class: "unseen" }, String(hour)) : String(hour))))),
    element("tbody", {}, ...DAYS.map(line)),
  );
  grid.addEventListener("pointerover", ({ target }) => {
    const place = target.closest("td")?.dataset.place;
    write(readout, place === undefined ? worst() : `${when(Number(place))}: ${told(Number(place))}`);
  });
  grid.addEventListener("pointerleave", () => write(readout, worst()));
  return element("section", {}, element(heading, {}, missed ? "When requests are not served" : "When requests come"), shades(missed), grid, readout);

  function line(name, row) {
    const cells = Array.from({ length: HOURS }, (_, hour) => {
      const place = HOURS * row + hour;
      return element("td", { "data-place": place, "data-level": level(place) }, element("span", { class: "unseen" }, told(place)));
    });
    return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
  }

  function worst() {
    const places = week.requests.map((_, place) => place).filter((place) => week.requests[place]);
    if (places.length === 0) return "No request comes.";
    const first = places.reduce((one, other) => (share(other) > share(one) ? other : one));
    return `${missed ? "Worst" : "Most"}: ${when(first)}, ${told(first)}`;
  }
}

const when = (place) => `${WHOLE[Math.floor(place / HOURS)]} ${place % HOURS}:00 to ${(place % HOURS) + 1}:00`;

function shades(missed) {
  const [few, many] = missed ? ["all served", "none"] : ["few", "most"];
  const swatches = [0, 1, 2, 3, 4, 5].map((level) => element("i", { "data-level": level }));
  return element("p", { class: "shades", "data-of": missed ? "unserved" : "requests", "aria-hidden": "true" }, few, ...swatches, many);
}
