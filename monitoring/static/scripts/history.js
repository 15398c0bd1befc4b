// The past, as the charts show it: asked for when something has happened, and not more often than needed.

import { ask } from "./ask.js";

const SOON = 2000; // milliseconds between two questions when something worth seeing has happened
const USUAL = 10000; // when requests were answered
const LONGEST = 60000; // and in any case: time moves the chart

let hours = 1;
let asked = 0; // when
let wanted = null; // the timer of the next question
let dueAt = Infinity; // when it asks
let turn = 0;
let draw = () => {};

/** `handle` gets each document of GET history. */
export function onHistory(handle) {
  draw = handle;
}

export function showHours(chosen) {
  hours = chosen;
  asked = 0;
  stir(true);
}

/** Something has happened; ask again when that is due. `urgent`: something that the chart marks. */
export function stir(urgent = false) {
  plan(asked + (urgent ? SOON : USUAL));
}

/** Ask at this moment, unless that is to happen earlier anyway. */
function plan(moment) {
  if (moment >= dueAt) return;
  dueAt = moment;
  clearTimeout(wanted);
  wanted = setTimeout(refresh, Math.max(0, moment - Date.now()));
}

async function refresh() {
  dueAt = Infinity;
  if (document.hidden) return; // page.js stirs again when somebody looks
  asked = Date.now();
  turn += 1;
  const mine = turn;
  try {
    const past = await ask(`api/llm-providers/history?hours=${hours}`);
    if (mine === turn) draw(past);
  } catch {
    // The stream tells when the server is gone, and stirs when it is back.
  }
  if (mine === turn) plan(asked + LONGEST);
}

/** What the last hour of a history holds, however long the history is. */
export function lastHour(past) {
  const count = Math.round(3600 / past.slot_seconds);
  const since = Date.parse(past.to) - 3600_000;
  const sum = (values) => values.slice(-count).reduce((total, each) => total + each, 0);
  const errors = past.providers.reduce((total, each) => total + sum(each.errors), 0);
  return {
    answered: past.providers.reduce((total, each) => total + sum(each.requests), 0) - errors,
    errors,
    events: past.events.filter((each) => Date.parse(each.at) >= since),
    tokens: new Map(past.providers.map((each) => [each.name, sum(each.tokens)])),
  };
}
