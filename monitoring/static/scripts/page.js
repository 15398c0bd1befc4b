// The status page: what the server pushes goes to the parts of the page. Nothing is drawn while nobody looks.

import { announceChanges, announceConnection } from "./announce.js";
import { drawBanners, drawConnection } from "./banners.js";
import { drawCards } from "./cards.js";
import { drawChart, keepChartInShape } from "./chart.js";
import { drawClasses } from "./classes.js";
import { $, show, write } from "./dom.js";
import { drawEmpty } from "./empty.js";
import { listenToExplain, offerGroups } from "./explain.js";
import { answering, drawGlance, drawHour } from "./glance.js";
import { drawHappened } from "./happened.js";
import { lastHour, onHistory, showHours, stir } from "./history.js";
import { drawLeft, learnRates } from "./left.js";
import { addDecisions, drawLog, listenToFilters } from "./log.js";
import { listenToMonths, showLastPlan } from "./months.js";
import { learnProviders } from "./providers.js";
import { follow } from "./stream.js";
import { learnClock, tick } from "./time.js";

const NAME = "LLM providers";

let status = null; // the last document
let drawnAt = null; // which one the page shows
let connection = { state: "connecting", since: null, reason: null };

function draw() {
  drawTitle();
  if (status === null || document.hidden) return;
  drawnAt = status;
  show($("main"), true);
  drawBanners(status);
  drawGlance(status);
  drawEmpty(status);
  drawCards(status);
  drawClasses(status);
  drawLeft(status);
  offerGroups(status);
  drawLog(status);
  showLastPlan();
}

/** The tab says who answers, as long as that is known. */
function drawTitle() {
  const known = status !== null && ["live", "asking"].includes(connection.state);
  const title = known ? `${answering(status)} · ${NAME}` : connection.state === "lost" ? `not live · ${NAME}` : NAME;
  if (document.title !== title) document.title = title;
}

const states = (providers = []) => providers.map((each) => `${each.name} ${each.status}`).join();

follow({
  status(document) {
    const changed = states(document.providers) !== states(status?.providers);
    learnClock(document.generated_at);
    learnProviders(document.providers);
    status = document;
    announceChanges(document);
    draw();
    if (changed) stir(true);
  },
  decisions(decisions, first) {
    addDecisions(decisions, first);
    stir(first || decisions.some((each) => each.attempts.some((attempt) => attempt.outcome !== "ok")));
    if (status !== null && !document.hidden) drawLog(status);
  },
  connection(now) {
    connection = now;
    drawConnection(now);
    announceConnection(now);
    draw();
  },
});

onHistory((past) => {
  const hour = lastHour(past);
  learnRates(hour.tokens);
  show($("past"), past.events.length > 0 || past.providers.some((each) => each.requests.some(Boolean)));
  drawHour(hour);
  drawHappened(past);
  if (!$("past").hidden) drawChart(past);
  if (status !== null) drawLeft(status);
});

const chooseHours = () => showHours(Number(document.querySelector("[name=hours]:checked").value));
for (const choice of document.querySelectorAll("[name=hours]")) choice.addEventListener("change", chooseHours);

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (drawnAt !== status) draw();
  tick();
  stir(true);
});

listenToFilters(() => status !== null && drawLog(status));
listenToExplain();
listenToMonths();
keepChartInShape();
setInterval(() => !document.hidden && tick(), 1000);
