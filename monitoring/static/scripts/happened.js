// What happened: failovers, cooldowns and the like, newest first.

import { $, element, refill, show } from "./dom.js";
import { hue } from "./providers.js";
import { at, inTime, until } from "./time.js";
import { words } from "./words.js";

export const KINDS = {
  failover: { sign: "▲", word: "failover" },
  cooldown: { sign: "◆", word: "cooldown" },
  exhausted: { sign: "■", word: "used-up day" },
  disabled: { sign: "✕", word: "disabled key" },
  implausible_usage: { sign: "?", word: "implausible usage report" },
  state_lost: { sign: "!", word: "state file made anew" },
  running_out: { sign: "▼", word: "warning that room ends" },
  lasts_again: { sign: "✓", word: "warning taken back" },
  unreachable: { sign: "!", word: "loss of the network" },
  limit_changed: { sign: "±", word: "changed limit" },
  share_used: { sign: "■", word: "used-up share of a class" },
  recovered: { sign: "✓", word: "recovery" },
  configuration: { sign: "✎", word: "edit of the file" },
  configuration_error: { sign: "!", word: "fault in the file" },
};
const WORDS = { failover: "failed over", cooldown: "cooldown", exhausted: "exhausted", disabled: "disabled", implausible_usage: "implausible usage", limit_changed: "reports another limit", recovered: "recovered", running_out: "is running out", share_used: "used up", lasts_again: "lasts again", state_lost: "made anew", unreachable: "cannot be reached", configuration: "edited", configuration_error: "cannot be used" };

const MOST = 60;

export function drawHappened({ events }) {
  const newest = events.slice(-MOST).reverse();
  show($("nothing-happened"), newest.length === 0);
  refill($("happened"), newest, () => newest.map(line));
}

function line({ at: moment, kind, provider, reason, until: end }) {
  const sign = KINDS[kind]?.sign ?? "●";
  const item = element(
    "li",
    { "data-hue": hue(provider), "data-kind": kind },
    element("time", { datetime: moment }, at(moment)),
    element("p", {}, element("i", { class: "sign", "aria-hidden": "true" }, sign), element("strong", {}, provider), ` ${WORDS[kind] ?? kind} `),
    element("p", { class: "fine" }, kind === "failover" ? words(reason) : reason),
  );
  if (end && until(end) > 0) item.children[1].append(element("span", { class: "fine", "data-until": end, "data-before": "ends " }, `ends ${inTime(end)}`));
  return item;
}
