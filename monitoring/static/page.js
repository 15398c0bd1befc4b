// The status page: asks for the status every second and writes it into the page. No library, no build.

const EVERY = 1000; // milliseconds between two questions
const PATIENCE = 5000; // milliseconds that an answer may take
const SHOWN = 12; // answers in the table; the strip shows STRIP
const STRIP = 100;

const LIMITS = {
  rpm: "requests a minute",
  tpm: "tokens a minute",
  rpd: "requests a day",
  tpd: "tokens a day",
  usd_per_day: "dollars a day",
};

let status = null; // the last document
let ahead = 0; // milliseconds by which the server's clock is ahead of ours
let answeredAt = null; // when the last answer came, our clock
let gone = "the server does not answer";

const $ = (id) => document.getElementById(id);
const part = (root, name) => root.querySelector(`[data-is="${name}"]`);

// Writing: only what has changed, so that a selection stays and a screen reader is not told everything every second.

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** As many children in `list` as `items`, made from the template, each filled by `fill`. */
function fillList(list, template, items, fill) {
  while (list.children.length > items.length) list.lastElementChild.remove();
  while (list.children.length < items.length) list.append($(template).content.cloneNode(true));
  items.forEach((item, place) => fill(list.children[place], item, place));
}

// Words for numbers and moments.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const number = (value) => (value < 100000 ? whole : short).format(value);
const words = (name) => name.replaceAll("_", " ");
const clock = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/** Seconds from the server's present to a moment of its. */
const until = (moment) => (Date.parse(moment) - Date.now() - ahead) / 1000;
const countdown = (moment) => (until(moment) > 0 ? `in ${duration(until(moment))}` : "now");

// The parts of the page.

const anyReady = () => status.providers.some((each) => !["unconfigured", "disabled"].includes(each.status));

function drawSummary() {
  const { next, capacity } = status;
  const groups = Object.entries(next);
  const name = (provider) => provider ?? "nobody";
  const answering = groups.length === 1 ? name(groups[0][1]) : groups.map(([group, p]) => `${group}: ${name(p)}`).join(", ");
  write($("next"), answering || "nobody");
  write($("left"), !anyReady() ? "–" : capacity.tokens_remaining_today === null ? "no daily limit" : number(capacity.tokens_remaining_today));
  write($("burn"), `${number(capacity.burn_tokens_per_hour)} tokens`);
  const lasts = capacity.exhausted_at ? `runs out ${countdown(capacity.exhausted_at)} (${capacity.binding})` : "lasts the day";
  write($("lasts"), capacity.burn_tokens_per_hour ? lasts : "nothing is used");
}

function drawLimit(node, [name, limit]) {
  const share = (value) => (limit.limit > 0 ? Math.min(100, (100 * value) / limit.limit) : 100);
  const [used, reserved] = [share(limit.used), share(limit.reserved)];
  const label = LIMITS[name] ?? name;
  const level = limit.remaining <= 0 ? "full" : used + reserved >= 80 ? "high" : "fine";
  if (node.dataset.level !== level) node.dataset.level = level;
  write(part(node, "label"), label);
  write(part(node, "numbers"), `${number(limit.used)} of ${number(limit.limit)}`);
  const held = limit.reserved ? `, ${number(limit.reserved)} reserved` : "";
  const told = limit.source === "upstream" ? ", as the provider says" : "";
  write(part(node, "room"), `${number(limit.remaining)} left${held}${told}`);
  write(part(node, "resets"), limit.resets_at && limit.used ? `whole again ${countdown(limit.resets_at)}` : "");
  const bar = node.querySelector(".bar");
  bar.setAttribute("aria-label", label);
  bar.setAttribute("aria-valuemax", limit.limit);
  bar.setAttribute("aria-valuenow", Math.min(limit.limit, limit.used));
  bar.setAttribute("aria-valuetext", `${number(limit.used)} of ${number(limit.limit)} used${held}`);
  bar.children[0].style.width = `${used}%`;
  bar.children[1].style.width = `${Math.min(100 - used, reserved)}%`;
}

const drawLimits = (list, limits) => fillList(list, "limit", Object.entries(limits), drawLimit);

function drawState(node, state) {
  if (node.dataset.status !== state.status) node.dataset.status = state.status;
  write(part(node, "status"), words(state.status));
}

const back = (state) => (state.available_at ? `available ${countdown(state.available_at)}` : "");

function drawModel(node, model, provider) {
  drawState(node, model);
  write(part(node, "name"), model.name);
  const own = model.reason !== provider.reason || model.status !== provider.status; // else the card says it already
  write(part(node, "why"), own ? [back(model), model.reason].filter(Boolean).join(" · ") : "");
  drawLimits(part(node, "limits"), model.limits);
}

function drawCard(node, provider) {
  const { usage_today: usage, latency_ms: latency, last_error: error } = provider;
  drawState(node, provider);
  write(part(node, "name"), provider.name);
  write(part(node, "tier"), provider.tier);
  write(part(node, "back"), back(provider));
  write(part(node, "why"), provider.reason ?? "");
  drawLimits(part(node, "limits"), provider.limits);
  write(part(node, "requests"), number(usage.requests));
  write(part(node, "tokens"), number(usage.tokens));
  write(part(node, "cost"), `$${usage.cost_usd < 1 ? usage.cost_usd.toFixed(4).replace(/0{1,2}$/, "") : usage.cost_usd.toFixed(2)}`);
  write(part(node, "errors"), number(usage.errors));
  write(part(node, "latency"), latency.p50 === null ? "–" : `${number(latency.p50)} / ${number(latency.p95)} ms`);
  fillList(part(node, "models"), "model", provider.models, (row, model) => drawModel(row, model, provider));
  write(part(node, "error"), error ? `Last error at ${clock(error.at)}, ${words(error.kind)}: ${error.message}` : "");
}

/** What a newcomer does first: set a key, then send a request. */
function drawEmpty() {
  const ready = anyReady();
  const asked = status.providers.some((each) => each.usage_today.requests || each.usage_today.errors);
  show($("empty"), !ready || !asked);
  if (ready && asked) return;
  write($("empty-title"), ready ? "No request today yet" : "No provider is configured yet");
  const steps = ready
    ? ["Ask something: `router-config ask \"Hello\"`", "In Python: `Router.from_yaml(\"litellm.yaml\")`, and this page shows who answers."]
    : ["Set the key of at least one provider: `router-config env`", "Look at it: `router-config check`", "Start this page again: `router-config serve`", "Or see it work without a key: `router-config demo`"];
  const key = steps.join();
  if ($("empty-steps").dataset.key === key) return;
  $("empty-steps").dataset.key = key;
  $("empty-steps").replaceChildren(...steps.map((step) => {
    const item = document.createElement("li");
    step.split("`").forEach((text, place) => item.append(place % 2 ? element("code", text) : text));
    return item;
  }));
}

function draw() {
  drawSummary();
  drawEmpty();
  fillList($("cards"), "card", status.providers, drawCard);
  show($("simulated"), status.simulated);
  show($("config-error"), Boolean(status.config.error));
  write($("config-error"), status.config.error ? `The configuration has an error; the one before is in force. ${status.config.error}` : "");
  const shared = status.state.shared ? "shared by all processes that use it" : "of this process alone";
  write($("source"), `${status.config.path ?? "made in Python"} · state: ${status.state.store}, ${shared}`);
  show($("main"), true);
}

// The last answers.

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const hue = (provider) => status.providers.findIndex((each) => each.name === provider) % 8;

function answeredBy(decision) {
  const cell = document.createElement("td");
  for (const attempt of decision.attempts.filter((each) => each.outcome !== "ok")) {
    cell.append(element("span", `${attempt.provider}: ${words(attempt.outcome)}`, { class: "failure" }), " → ");
  }
  if (decision.provider) cell.append(element("span", decision.provider, { class: "answerer", "data-hue": hue(decision.provider) }));
  else cell.append(element("span", decision.error ?? words(decision.outcome), { class: "failure" }));
  return cell;
}

function drawAnswers({ decisions }) {
  const count = decisions[0]?.number ?? 0;
  show($("answers"), decisions.length > 0);
  show($("course"), decisions.length > 0);
  if ($("rows").dataset.count === String(count)) return;
  $("rows").dataset.count = count;
  $("rows").replaceChildren(...decisions.slice(0, SHOWN).map((decision) => {
    const row = document.createElement("tr");
    row.append(
      element("td", clock(decision.at)), element("td", decision.agent ?? ""), answeredBy(decision),
      element("td", decision.model ?? "", { class: "wide" }),
      element("td", decision.tokens === null ? "" : number(decision.tokens), { class: "wide number" }),
      element("td", `${number(Math.round(decision.seconds * 1000))} ms`, { class: "number" }),
    );
    return row;
  }));
  const oldestFirst = decisions.slice(0, STRIP).reverse();
  const blank = Array.from({ length: STRIP - oldestFirst.length }, () => element("i", "", { class: "none" }));
  $("strip").replaceChildren(...blank, ...oldestFirst.map((decision) => {
    if (!decision.provider) return element("i", "", { class: "nobody" });
    const failed = decision.attempts.some((each) => each.outcome !== "ok");
    return element("i", "", { class: failed ? "failed" : "", "data-hue": hue(decision.provider) });
  }));
  $("key").replaceChildren(...status.providers.map((each) => element("span", each.name, { "data-hue": hue(each.name) })));
}

// Asking, and saying so when nobody answers.

function drawLive() {
  const late = answeredAt === null ? Infinity : Date.now() - answeredAt;
  const stale = late > 3 * EVERY + 500;
  document.body.classList.toggle("stale", stale && status !== null);
  show($("stale"), stale && (status !== null || performance.now() > PATIENCE));
  const since = answeredAt === null ? "" : ` What you see is from ${clock(answeredAt)}.`;
  write($("stale"), `No connection: ${gone}.${since} Trying again every second.`);
  $("live").className = `live ${status === null ? "" : stale ? "off" : "on"}`;
  write($("live"), status === null ? "connecting…" : stale ? "not live" : "live");
}

async function ask(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "application/json" } });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  const date = Date.parse(answer.headers.get("date") ?? "");
  // The Date header counts whole seconds: a countdown is right to a second, and stays still between two answers.
  if (!Number.isNaN(date) && Math.abs(date + 500 - Date.now() - ahead) > 1500) ahead = date + 500 - Date.now();
  return answer.json();
}

async function refresh() {
  try {
    status = await ask("api/llm-providers");
    answeredAt = Date.now();
    draw();
    drawAnswers(await ask(`api/llm-providers/decisions?last=${STRIP}`));
  } catch (error) {
    gone = error.message.startsWith("the server") ? error.message : "the server does not answer";
    if (status !== null) draw(); // countdowns go on
  }
  drawLive();
}

async function live() {
  const began = Date.now();
  if (!document.hidden) await refresh(); // a tab in the background costs nothing
  setTimeout(live, Math.max(100, EVERY - (Date.now() - began)));
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
live();
