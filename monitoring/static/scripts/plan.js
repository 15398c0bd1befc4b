// A plan: its answer, its days by provider, the hours in which requests are not served, and what would help. Drawn alike
// on the status page and in the file that `router-config plan --html` writes.

import { drawDays } from "./plan_days.js";
import { drawWeek } from "./plan_week.js";
import { element } from "./dom.js";
import { hue } from "./providers.js";
import { cents, duration, limitWords, percent, plural, roughNumber } from "./words.js";

const MONTH = 30.4375; // days

/** Fill `root` with the JSON of a plan. heading: the tag of its headings. */
export function drawPlan(root, plan, heading = "h3") {
  root.replaceChildren(
    answer(plan),
    ...wait(plan),
    ...failures(plan),
    element("div", { class: "plan-charts" }, drawDays(plan, heading), drawWeek(plan, heading)),
    element("div", { class: "plan-lists" }, element("div", {}, providers(plan, heading), ...classes(plan, heading)), element("div", {}, ...listed("What would help, the best first", plan.advice, heading), ...listed("Left out", leftOut(plan), heading))),
    ...(plan.remarks ?? []).map((each) => element("p", { class: "fine" }, each)),
  );
}

function answer({ told, answer: yes }) {
  const end = told.indexOf(".") + 1;
  return element("p", { class: "told" }, element("strong", { "data-answer": yes ? "yes" : "no" }, told.slice(0, end)), told.slice(end));
}

function wait({ wait_seconds: { p50, p95 } }) {
  return p95 ? [element("p", { class: "small" }, `Requests wait for room: half of them ${duration(p50)} at most, 95 % of them ${duration(p95)}.`)] : [];
}

function failures({ wasted_attempts: wasted = 0, needless_failures: needless = 0 }) {
  return wasted ? [element("p", { class: "small" }, `${plural(wasted, "attempt")} failed; ${plural(needless, "request")} failed though somebody could have served.`)] : [];
}

function providers(plan, heading) {
  const days = plan.days.length;
  const paid = plan.providers.some((each) => each.cost_usd > 0);
  const head = [["Provider"], ["Share", "number"], ["Tokens a day", "number roomy"], ["Requests a day", "number roomy"]];
  if (paid) head.push(["$ a month", "number"]);
  head.push(["Full a day", "number"], ["First full", "number roomy"], ["Limit that binds", "roomy"]);
  const rows = plan.providers.map((each) => row(each, plan, paid));
  if (plan.served < 1) rows.push(row(unserved(plan), plan, paid));
  return element(
    "section",
    {},
    element(heading, {}, "Who serves how much"),
    element(
      "table",
      { class: "plan-providers" },
      element("caption", { class: "unseen" }, `Each provider over ${plural(days, "day")}`),
      element("thead", {}, element("tr", {}, ...head.map(([word, kind]) => element("th", { scope: "col", ...(kind ? { class: kind } : {}) }, word)))),
      element("tbody", {}, ...rows),
    ),
    element("p", { class: "fine" }, `Days and times of ${plan.timezone}. Full: for how long requests found no room there.`),
  );
}

/** What becomes of each class of agents, where there are any. */
function classes(plan, heading) {
  if (!plan.classes) return [];
  const days = plan.days.length;
  const head = [["Class"], ["Served", "number"], ["Tokens a day", "number roomy"], ["Requests a day", "number roomy"], ["Not served", "number"], ["In the way"]];
  const cell = (text, kind = "number") => element("td", { class: kind }, text);
  const rows = plan.classes.map((each) => element(
    "tr",
    {},
    element("th", { scope: "row" }, each.name),
    cell(percent(each.served)),
    cell(roughNumber(each.tokens / days), "number roomy"),
    cell(roughNumber(each.requests / days), "number roomy"),
    cell(each.unserved_requests ? roughNumber(each.unserved_requests) : "–"),
    cell(each.told ?? "–", "wraps"),
  ));
  return [
    element(heading, {}, "Classes of agents"),
    element(
      "table",
      { class: "plan-providers" },
      element("caption", { class: "unseen" }, `Each class over ${plural(days, "day")}`),
      element("thead", {}, element("tr", {}, ...head.map(([word, kind]) => element("th", { scope: "col", ...(kind ? { class: kind } : {}) }, word)))),
      element("tbody", {}, ...rows),
    ),
  ];
}

/** What nobody serves, as a line of the table. */
function unserved(plan) {
  const sum = (name) => plan.days.reduce((total, day) => total + day[name], 0);
  return {
    name: null,
    share: 1 - plan.served,
    tokens: sum("unserved_tokens"),
    requests: sum("unserved_requests"),
    cost_usd: 0,
    full_seconds: sum("dark_seconds"),
    full_since: plan.unserved_since,
    binding: plan.binding?.limit ?? null,
  };
}

function row(each, plan, paid) {
  const days = plan.days.length;
  const cell = (text, kind = "number") => element("td", { class: kind }, text);
  const cells = [
    element("th", { scope: "row" }, element("i", { class: "hue" }), each.name ?? "nobody"),
    cell(percent(each.share)),
    cell(roughNumber(each.tokens / days), "number roomy"),
    cell(roughNumber(each.requests / days), "number roomy"),
  ];
  if (paid) cells.push(cell(each.cost_usd ? cents((each.cost_usd / days) * MONTH) : "–"));
  cells.push(
    cell(each.full_since ? duration(each.full_seconds / days) : "–"),
    cell(each.full_since ? moment(each.full_since, plan.timezone) : "–", "number roomy"),
    cell(each.binding ? limitWords(each.binding) : "–", "roomy"),
  );
  return element("tr", each.name === null ? { class: "unserved" } : { "data-hue": hue(each.name) }, ...cells);
}

function moment(at, timeZone) {
  const form = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone };
  return new Intl.DateTimeFormat("en", form).format(new Date(at));
}

const leftOut = (plan) => Object.entries(plan.left_out).map(([name, reason]) => `${name}: ${reason}`);

function listed(title, lines, heading) {
  return lines.length ? [element(heading, {}, title), element("ol", { class: "plan-advice" }, ...lines.map((each) => element("li", {}, each)))] : [];
}
