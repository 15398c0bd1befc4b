// "Why this provider?": asks what would happen to a request, and shows every gate with its numbers.

import { post } from "./ask.js";
import { $, element, refill, show } from "./dom.js";
import { hue, statusWord } from "./providers.js";
import { at } from "./time.js";
import { IN_FLIGHT, limitWords, amount, duration, number } from "./words.js";

const WHOLE = {
  provider: "the whole provider",
  account: "this account, all its models",
  key: "this key",
  model: "this model",
};

/** The groups that may be asked for; an alias can be typed. */
export function offerGroups({ next }) {
  const groups = Object.keys(next);
  refill($("groups"), groups, () => groups.map((value) => element("option", { value })));
  const field = $("explain").elements.group;
  if (field.value === "" && document.activeElement !== field) field.value = groups.includes("default") ? "default" : (groups[0] ?? "");
}

export function listenToExplain() {
  $("explain").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { group, tokens, agent } = Object.fromEntries(new FormData(event.target));
    try {
      draw(await post("api/llm-providers/explain", { group, tokens: Number(tokens), ...(agent ? { agent } : {}) }));
    } catch (error) {
      $("verdict").replaceChildren(element("span", { class: "failure" }, error.message));
      show($("explained"), false);
    }
  });
}

function draw(explanation) {
  const { group, tokens, agent, class: ofClass, generated_at: moment, providers } = explanation;
  const whose = ofClass ? ` of ${agent ?? "an agent"} (class ${ofClass})` : "";
  const what = element("span", { class: "fine" }, ` ${number(tokens)} tokens${whose} of ${group}, at ${at(moment)}`);
  $("verdict").replaceChildren(...verdict(explanation), what);
  $("explained").replaceChildren(...providers.map((each) => drawnProvider(each, explanation.chosen)));
  show($("explained"), true);
}

function verdict({ next, providers, clears_at: clears, waits_for_in_flight: others, max_wait_seconds: longest, waits }) {
  if (next) return [named(next), " would serve it."];
  const told = [];
  if (!providers.some((each) => each.candidates.length)) told.push("Nobody would serve it: no provider of this group has a key.");
  else if (waits) told.push(`Nobody has room. It would wait, for ${duration(longest)} at most.`);
  else told.push("Nobody would serve it; it would fail at once.");
  if (clears) told.push(`Room again at ${at(clears)}.`);
  else if (others) told.push("Room again when a request in flight ends.");
  return [element("span", { class: "failure" }, told.join(" "))];
}

const named = (name) => element("strong", { "data-hue": hue(name) }, element("i", { class: "hue" }), name);

function drawnProvider({ name, absent, candidates }, chosen) {
  const serves = candidates.some((each) => each.deployment === chosen);
  return element(
    "section",
    { class: "candidates", "aria-label": name, "data-hue": hue(name), ...(serves ? { "data-chosen": "" } : {}) },
    element("h3", {}, element("i", { class: "hue" }), name),
    ...(absent ? [drawnState(null, absent, absent.reason)] : candidates.map((each) => drawnCandidate(each, chosen))),
  );
}

function drawnState(model, state, ...told) {
  const parts = [element("span", { class: "status" }, statusWord(state)), " ", element("span", { class: "fine" }, told.filter(Boolean).join("; "))];
  if (model) parts.unshift(element("span", { class: "model-name" }, model), " ");
  return element("p", { "data-status": state.status }, ...parts);
}

function drawnCandidate(candidate, chosen) {
  const { deployment, model, place, reason, clears_at: clears, rest, probe_due: probes, gates } = candidate;
  const told = [
    deployment === chosen ? "serves it" : `place ${place}`,
    rest ? cooldown(rest) : clears && `${reason ?? "blocked"}, until ${at(clears)}`,
    probes && "its cooldown is over, and this request would try it",
  ];
  return element(
    "div",
    {},
    drawnState(model, candidate, ...told),
    element("ul", { class: "gates", "aria-label": `Limits of ${model}` }, ...gates.map(drawnGate)),
  );
}

function cooldown({ of: scope, status, since, until, then_probes: probes, reason }) {
  const end = until ? `until ${at(until)}${probes ? ", then one request tries it" : ""}` : "until a person acts (router-config doctor)";
  const state = status === "cooldown" ? "in cooldown" : statusWord({ status });
  return `${WHOLE[scope]} is ${state} since ${at(since)}, ${end}: ${reason.replace(/\.$/, "")}`;
}

/** The account's windows and the model's own: what counts, what this request needs, and whether that fits. */
function drawnGate(gate) {
  const { name, scope, used, reserved, needed, limit } = gate;
  const whose = gate.class ? `share of class ${gate.class}` : scope.startsWith("account:") ? "account" : "model";
  const held = name === IN_FLIGHT ? `${number(reserved)} in flight` : `${amount(name, used)} used + ${amount(name, reserved)} reserved`;
  const told = `${held} + ${amount(name, needed)} needed, of ${amount(name, limit)}`;
  return element("li", {}, element("span", { class: "gate" }, `${limitWords(name)} (${whose})`), " ", element("span", {}, told), " ", judged(gate));
}

function judged({ name, status, soft_limit: soft, limit, blocks, clears_at: clears, kept, kept_for: whom, class: ofClass }) {
  const blocking = (text) => element("span", { class: "failure" }, text);
  if (status === "too_large") return blocking("too large at any time");
  if (status === "unfit") return blocking("cannot do this request");
  const then = clears ? `, until ${at(clears)}` : "";
  if (status === "kept") return blocking(kept ? `blocks${then}: ${amount(name, kept)} are kept for ${whom.join(", ")}` : `blocks${then}: what is left is expected to be used by others`);
  if (status === "share_used") return blocking(`blocks${then}: class ${ofClass} has used its share`);
  if (blocks && limit <= 0) return blocking("0 means never");
  if (blocks && name === IN_FLIGHT) return blocking("blocks until one in flight ends");
  if (blocks) return blocking(clears ? `blocks until ${at(clears)}` : "blocks");
  if (status === "soft_limited") return element("span", { class: "soft" }, `past its soft limit, ${amount(name, soft)}`);
  return element("span", { class: "fits" }, "fits");
}
