// One card per provider: its state, its windows, what it did today, its models.

import { $, element, fillList, mark, part, write } from "./dom.js";
import { hue, isAbsent, statusWord } from "./providers.js";
import { at, countDown, forHowLong } from "./time.js";
import { IN_FLIGHT, limitWords, amount, money, number, words } from "./words.js";

const MOST = 8; // models shown one by one

export const drawCards = ({ providers }) => fillList($("cards"), "card", providers, drawCard);

function drawCard(node, provider) {
  const { usage_today: usage, latency_ms: latency, last_error: error } = provider;
  mark(node, "name", provider.name);
  mark(node, "hue", hue(provider.name));
  mark(node, "absent", isAbsent(provider) ? "" : null);
  drawState(node, provider);
  write(part(node, "name"), provider.name);
  write(part(node, "tier"), `${provider.tier} · priority ${provider.priority}`);
  countDown(part(node, "back"), provider.available_at, provider.available_at && before(provider));
  write(part(node, "why"), [provider.reason, ...(provider.endpoints ?? []).map((each) => each.reason)].filter(Boolean).join("; "));
  drawLimits(part(node, "limits"), provider.limits);
  fillList(part(node, "changed"), "changed", provider.limits_changed ?? [], (row, change) => drawChange(row, change, provider));
  write(part(node, "requests"), number(usage.requests));
  write(part(node, "tokens"), number(usage.tokens) + cachedOf(usage));
  write(part(node, "cost"), money(usage.cost_usd));
  write(part(node, "errors"), number(usage.errors));
  write(part(node, "latency"), latency.p50 === null ? "–" : `${number(latency.p50)} / ${number(latency.p95)} ms`);
  fillList(part(node, "models"), "model", provider.models.slice(0, MOST), (row, model) => drawModel(row, model, provider));
  write(part(node, "more"), moreOf(provider.models.slice(MOST)));
  write(part(node, "error"), error ? `Last error ${at(error.at)}, ${words(error.kind)}${told(error, provider)}` : "");
}

/** ", 37 % of prompts cached", where the provider tells of any. */
const cachedOf = ({ cached_tokens: cached, prompt_tokens: prompt }) =>
  cached ? `, ${Math.round((100 * cached) / prompt)} % of prompts cached` : "";

const before = ({ available_at: back, refused_since: since }) =>
  since ? `refused since ${at(since)}, asked again at ${at(back)}, ` : `until ${at(back)}, `;

/** The message of the last error, unless the card gives it as the reason for a cooldown already. */
const told = (error, { reason }) => (error.message === reason ? "" : `: ${error.message}`);

function drawState(node, state) {
  mark(node, "status", state.status);
  write(part(node, "status"), statusWord(state));
}

/** "and 22 more: 20 available, 2 cooldown" */
function moreOf(models) {
  if (models.length === 0) return "";
  const counts = new Map();
  for (const each of models) counts.set(statusWord(each), (counts.get(statusWord(each)) ?? 0) + 1);
  return `and ${models.length} more: ${[...counts].map(([word, count]) => `${count} ${word}`).join(", ")}`;
}

function drawModel(node, model, provider) {
  drawState(node, model);
  write(part(node, "name"), model.name);
  const own = model.reason !== provider.reason || model.status !== provider.status; // else the card says it already
  const place = placeOf(model);
  countDown(part(node, "back"), own ? model.available_at : null, place ? "Asked again " : "");
  write(part(node, "why"), place || (own ? (model.reason ?? "") : ""));
  drawLimits(part(node, "limits"), model.limits);
}

/** Of a model that is gone or stands in for one: which model really answers. */
function placeOf({ retired, answers_as: other, instead_of: old }) {
  if (old?.length) return `Answers in place of ${old.join(", ")}.`;
  if (!retired) return "";
  if (other) return `Gone; ${other} answers in its place.`;
  return retired.successor ? `Gone; use ${retired.successor}.` : "Gone.";
}

const drawLimits = (list, limits) => fillList(list, "limit", Object.entries(limits), drawLimit);

function drawLimit(node, [window, limit]) {
  const inFlight = window === IN_FLIGHT;
  const held = limit.reserved && !inFlight ? `, ${amount(window, limit.reserved)} reserved` : "";
  const told = limit.source === "upstream" ? ", as the provider says" : "";
  write(part(node, "label"), limitWords(window));
  write(part(node, "numbers"), `${inFlight ? `in flight ${number(limit.reserved)}` : amount(window, limit.used)} of ${amount(window, limit.limit)}`);
  write(part(node, "room"), `${amount(window, limit.remaining)} left${held}${told}`);
  countDown(part(node, "resets"), limit.used ? limit.resets_at : null, "resets ");
  drawBar(node.querySelector(".bar"), limitWords(window), window, limit);
}

/** "requests a minute. File: 30, groq says 60 since 3 days; the file's is in force." */
function drawChange(node, { model, limit, file, reported, since, in_force: inForce, edit }, { name }) {
  const used = inForce ? "in force" : "the file's is in force";
  write(part(node, "told"), `${model ? `${model}, ` : ""}${limitWords(limit)}. File: ${amount(limit, file)}, ${name} says ${amount(limit, reported)} since ${forHowLong(since)}; ${used}.`);
  write(part(node, "edit"), edit ?? "");
}

/** A window as a bar: used, then reserved; the rest is what remains. */
export function drawBar(bar, label, window, limit) {
  const share = (value) => (limit.limit > 0 ? Math.min(100, (100 * value) / limit.limit) : 100);
  const [used, reserved] = [share(limit.used), share(limit.reserved)];
  mark(bar, "level", limit.remaining <= 0 ? "full" : used + reserved >= 80 ? "high" : "fine");
  const set = (name, value) => bar.getAttribute(name) !== String(value) && bar.setAttribute(name, value);
  set("aria-label", label);
  set("aria-valuemax", limit.limit);
  set("aria-valuenow", Math.min(limit.limit, limit.used));
  set("aria-valuetext", `${amount(window, limit.used)} used, ${amount(window, limit.reserved)} reserved, ${amount(window, limit.remaining)} left of ${amount(window, limit.limit)}`);
  bar.children[0].style.width = `${used}%`;
  bar.children[1].style.width = `${Math.min(100 - used, reserved)}%`;
}
