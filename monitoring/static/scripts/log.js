// The live log of decisions: a row per request, newest first, filtered by provider and outcome.

import { ask } from "./ask.js";
import { $, element, refill, show, write } from "./dom.js";
import { hue } from "./providers.js";
import { at } from "./time.js";
import { number, seconds, words } from "./words.js";

const KEPT = 100; // rows
const ASKED = 500; // decisions, when only some of them are wanted
const FAILURE = "failure"; // of our making: every outcome but ok

const outcomes = new Set(["ok", FAILURE, "refused", "cancelled"]);

let shown = []; // newest first
let held = null; // while on hold: what came since
let turn = 0;
let redraw = () => {};

const filters = () => Object.fromEntries(new FormData($("filters")));

/** Of a provider are the requests that it answered, and those that it was tried for. */
function matches({ attempts, provider, outcome }) {
  const wanted = filters();
  const passes = wanted.outcome === FAILURE ? outcome !== "ok" : !wanted.outcome || outcome === wanted.outcome;
  return passes && (!wanted.provider || provider === wanted.provider || attempts.some((each) => each.provider === wanted.provider));
}

/** Decisions came, newest first. `first`: of a new connection, perhaps to a server that has begun anew. */
export function addDecisions(decisions, first) {
  const isShown = ({ number: count, at: moment }) => shown.some((each) => each.number === count && each.at === moment);
  if (first && !decisions.some(isShown)) {
    shown = [];
    held = null;
    if (filters().provider || filters().outcome) refetch();
  }
  const known = new Set([...shown, ...(held ?? [])].map((each) => each.number));
  const fresh = decisions.filter((each) => matches(each) && !known.has(each.number));
  if (held !== null) held = [...fresh, ...held].slice(0, KEPT);
  else shown = [...fresh, ...shown].slice(0, KEPT);
}

export function drawLog({ providers }) {
  show($("log"), providers.some((each) => each.usage_today.requests || each.usage_today.errors) || shown.length > 0);
  for (const { outcome } of shown) outcomes.add(outcome);
  fillSelect("provider", providers.map((each) => each.name));
  fillSelect("outcome", [...outcomes]);
  drawRows();
  const count = held?.length ?? 0;
  write($("hold"), held === null ? "Hold" : `Go on${count ? ` (${count} new)` : ""}`);
  $("hold").setAttribute("aria-pressed", held !== null);
  show($("no-rows"), shown.length === 0);
  write($("no-rows"), filters().provider || filters().outcome ? "No decision of the last ones is like that." : "No decision yet.");
}

function fillSelect(name, values) {
  const select = $("filters").elements[name];
  refill(select, values, () => {
    const chosen = select.value;
    const options = ["", ...values].map((value) => element("option", { value }, value === "" ? "all" : value === FAILURE ? "any failure" : words(value)));
    options.find((each) => each.value === chosen)?.setAttribute("selected", "");
    return options;
  });
}

/** Rows are made once; new ones come in above, old ones go below. */
function drawRows() {
  const rows = new Map([...$("rows").children].map((row) => [row.dataset.key, row]));
  const wanted = shown.map((each) => rows.get(keyOf(each)) ?? rowOf(each));
  for (const row of rows.values()) if (!wanted.includes(row)) row.remove();
  wanted.forEach((row, place) => {
    if ($("rows").children[place] !== row) $("rows").insertBefore(row, $("rows").children[place] ?? null);
  });
}

/** A server that has begun anew counts from 1 again. */
const keyOf = (decision) => `${decision.number} ${decision.at}`;

function rowOf(decision) {
  const { at: moment, agent, class: ofClass, group, provider, model, outcome, tokens } = decision;
  const cell = (name, ...content) => element("td", { "data-cell": name }, ...content);
  const who = outcome === "ok"
    ? [element("strong", { "data-hue": hue(provider) }, element("i", { class: "hue" }), provider), " ", element("span", { class: "fine" }, model ?? "")]
    : [element("strong", { class: "failure" }, words(outcome))];
  return element(
    "tr",
    { "data-key": keyOf(decision), "data-outcome": outcome === "ok" ? "ok" : FAILURE },
    cell("time", element("time", { datetime: moment }, at(moment))),
    cell("agent", agent ?? "–", ...(ofClass ? [" ", element("span", { class: "fine" }, ofClass)] : [])),
    cell("group", group),
    cell("who", ...who),
    cell("way", ...wayOf(decision)),
    cell("tokens", tokens === null ? "–" : number(tokens)),
    cell("took", seconds(decision.seconds)),
  );
}

/** What was tried in vain, who was skipped, and what went wrong. */
function* wayOf({ attempts, passed, error, stays, provider }) {
  const failed = attempts.filter((each) => each.outcome !== "ok");
  for (const each of failed) {
    yield element("span", { class: "failure" }, `${each.provider}: ${words(each.outcome)} after ${seconds(each.seconds)}.`);
    yield " ";
  }
  const over = [...new Set((passed ?? []).map((each) => `${each.provider} ${words(each.status)}`))];
  if (over.length) yield element("span", { class: "fine" }, `skipped: ${over.join(", ")}. `);
  if (stays) yield element("span", { class: "fine" }, `stays with ${provider}: call ${stays} of a tool loop. `);
  if (error) yield element("span", { class: "failure" }, error);
}

/** The filter has changed, or the server is another one: ask for the last decisions that match. */
async function refetch() {
  turn += 1;
  const mine = turn;
  const { provider, outcome } = filters();
  const wanted = new URLSearchParams({ last: outcome === FAILURE ? ASKED : KEPT });
  if (provider) wanted.set("provider", provider);
  if (outcome && outcome !== FAILURE) wanted.set("outcome", outcome);
  try {
    const { decisions } = await ask(`api/llm-providers/decisions?${wanted}`);
    if (mine !== turn) return;
    shown = decisions.filter(matches).slice(0, KEPT);
  } catch {
    shown = shown.filter(matches);
  }
  held &&= [];
  redraw();
}

/** Listen to the filters. `draw` is called when what is shown has changed by itself. */
export function listenToFilters(draw) {
  redraw = draw;
  $("filters").addEventListener("change", refetch);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("hold").addEventListener("click", () => {
    if (held === null) held = [];
    else {
      shown = [...held, ...shown].slice(0, KEPT);
      held = null;
    }
    redraw();
  });
}
