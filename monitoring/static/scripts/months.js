// "Months": whether the providers last. The last plan that was made here, and a form that has another one made.

import { ask, post, remove } from "./ask.js";
import { $, mark, show, write } from "./dom.js";
import { at } from "./time.js";
import { number, percent } from "./words.js";

const PLAN = "api/llm-providers/plan";
const UNITS = { "": 1, k: 1e3, m: 1e6 };
const LOOK = 500; // milliseconds between two looks at how far a plan is

let asked = null; // the AbortController of the plan that this page waits for
let watching = null; // the timer of the next look
let shown = false; // the last plan was asked for

export function listenToMonths() {
  const form = $("months-ask");
  form.elements.tokens.addEventListener("input", (event) => event.target.setCustomValidity(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const tokens = form.elements.tokens;
    const wanted = amountOf(tokens.value);
    if (Number.isNaN(wanted)) tokens.setCustomValidity("Write a number, such as 1M or 250k; nothing stands for the workload of the file.");
    if (form.reportValidity()) make({ ...(wanted === null ? {} : { tokens_per_day: wanted }), days: Number(form.elements.days.value), timezone: zone() });
  });
  $("months-cancel").addEventListener("click", () => (asked ? asked.abort() : remove(PLAN).catch(() => {})));
  // The server ends a plan that nobody waits for.
  window.addEventListener("pagehide", () => asked?.abort());
}

/** Once the page is there: the last plan, or one that is being made for somebody else. */
export async function showLastPlan() {
  if (shown) return;
  shown = true;
  try {
    const { making, last } = await ask(PLAN);
    if (asked) return;
    if (last) await draw(last);
    if (making) watch();
  } catch {
    shown = false; // The next status shows it.
  }
}

/** 1M, 250k, 1,500,000; null for nothing, NaN for what is no amount. */
function amountOf(text) {
  if (text.trim() === "") return null;
  const [, digits, unit] = /^([\d.,\s]+)([km]?)$/i.exec(text.trim()) ?? [null, "", ""];
  const amount = Number(digits.replaceAll(/[,\s]/g, "")) * UNITS[unit.toLowerCase()];
  return amount > 0 ? amount : NaN;
}

const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

async function make(question) {
  const mine = (asked = new AbortController());
  tell("planning …", 0);
  watch();
  try {
    const plan = await post(PLAN, question, { signal: mine.signal });
    await draw(plan);
  } catch (error) {
    tell(mine.signal.aborted ? "Cancelled." : capital(error.message), null, !mine.signal.aborted);
  } finally {
    asked = null;
    clearTimeout(watching);
  }
}

/** Say how far it is, as long as it is being made. */
function watch() {
  clearTimeout(watching);
  watching = setTimeout(async () => {
    const mine = asked;
    try {
      const { making } = await ask(`${PLAN}/progress`);
      if (asked !== mine) return;
      if (making) tell(inWords(making), making.progress);
      else if (!mine) return drawLast();
    } catch {
      // The page says elsewhere that the server is gone.
    }
    if (asked === mine && (mine || !$("months-cancel").hidden)) watch();
  }, LOOK);
}

async function drawLast() {
  const { last } = await ask(PLAN);
  if (last) return draw(last);
  tell("No plan was made.");
}

const inWords = ({ asked: what, days, progress }) =>
  `${what}, ${number(days)} days: ${progress < 1 ? `planning … ${percent(progress)}` : "looking for what would help …"}`;

async function draw(plan) {
  const { drawPlan } = await import("./plan.js"); // Only pages that show one need it.
  drawPlan($("months-plan"), plan);
  tell(`Made at ${at(plan.made_at)} for ${plan.asked}, in ${number(plan.seconds)} s.`);
}

/** The line below the form. progress: from 0 to 1 while a plan is being made. */
function tell(text, progress = null, failed = false) {
  const making = progress !== null;
  write($("months-state"), text);
  mark($("months-state"), "failed", failed ? "" : null);
  show($("months-progress"), making);
  if (making) $("months-progress").value = progress;
  show($("months-cancel"), making);
  $("months-make").disabled = making;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
