// Classes of agents: what each used today and was refused, and what is kept for it where. Not shown where there are none.

import { $, fillList, mark, part, show, write } from "./dom.js";
import { hue } from "./providers.js";
import { amount, limitWords, money, number, percent } from "./words.js";

const SHORT = ["rpm", "tpm", "itpm", "otpm", "parallel"]; // limits that say little of a day

export function drawClasses({ classes, providers }) {
  show($("classes"), Boolean(classes?.length));
  show($("explain-agent"), Boolean(classes?.length));
  if (!classes?.length) return;
  const limits = new Map(providers.map((each) => [each.name, each]));
  fillList($("classes-list"), "class-card", classes, (node, each) => drawClass(node, each, limits));
}

function drawClass(node, each, providers) {
  write(part(node, "name"), each.name);
  write(part(node, "agents"), each.agents.length ? each.agents.join(", ") : "all other agents");
  write(part(node, "rule"), ruleOf(each));
  write(part(node, "requests"), number(each.requests_today));
  write(part(node, "tokens"), number(each.tokens_today));
  write(part(node, "cost"), money(each.cost_usd_today));
  write(part(node, "refused"), number(each.refused_today));
  mark(part(node, "refused"), "some", each.refused_today ? "" : null);
  fillList(part(node, "limits"), "class-limit", rowsOf(each, providers), drawLimit);
}

/** "30 % of each limit is kept for it; it may use 70 % at most" */
function ruleOf({ reserve, share, use, providers }) {
  const apart = providers.filter((each) => each.reserve && each.reserve !== reserve).map((each) => `${percent(each.reserve)} at ${each.name}`);
  const kept = [...(reserve ? [`${percent(reserve)} of each limit`] : []), ...apart];
  const told = kept.length ? [`${kept.join(", ")} is kept for it`] : [];
  if (share < 1) told.push(`it may use ${percent(share)} at most`);
  if (use === "leftover") told.push("it gets only what nobody else is expected to use");
  const whole = told.join("; ");
  return whole ? `${whole[0].toUpperCase()}${whole.slice(1)}.` : "Nothing is kept for it, and it may use all that is not kept for others.";
}

/** Of each provider its longer limits, where it has any; only such of which something is the class'. */
function rowsOf({ providers: asked }, providers) {
  return asked.flatMap(({ name, limits, models }) => {
    const own = providers.get(name);
    const places = [{ of: null, limits, whole: own?.limits }, ...models.map((each) => ({ of: each.name, limits: each.limits, whole: own?.models.find((model) => model.name === each.name)?.limits }))];
    const rows = places.flatMap(({ of, limits: theirs, whole }) =>
      Object.entries(theirs).map(([limit, each]) => ({ provider: name, of, limit, ...each, most: whole?.[limit]?.limit ?? 0 })),
    );
    const longer = rows.filter((row) => !SHORT.includes(row.limit));
    return (longer.length ? longer : rows).filter((row) => row.kept || row.used || row.released || row.share !== null);
  });
}

function drawLimit(node, { provider, of, limit, used, reserved, kept, share, released, most }) {
  mark(node, "hue", hue(provider));
  write(part(node, "provider"), of ? `${provider} ${of}` : provider);
  write(part(node, "label"), limitWords(limit));
  write(part(node, "numbers"), `${amount(limit, used)} used${reserved ? `, ${amount(limit, reserved)} reserved` : ""}`);
  const told = [
    kept ? `${amount(limit, kept)} more kept for it` : "",
    released ? "what was kept and not used is given to all until the window ends" : "",
    share === null ? "" : `${amount(limit, share)} at most`,
  ];
  write(part(node, "told"), told.filter(Boolean).join(", "));
  const bar = node.querySelector(".bar");
  const width = (value) => (most > 0 ? Math.min(100, (100 * value) / most) : 0);
  mark(bar, "level", share !== null && used + reserved >= share ? "full" : "fine");
  bar.setAttribute("aria-label", `${provider}, ${limitWords(limit)}`);
  bar.setAttribute("aria-valuemax", most);
  bar.setAttribute("aria-valuenow", Math.min(most, used + reserved));
  bar.setAttribute("aria-valuetext", `${amount(limit, used)} used, ${amount(limit, kept)} kept, of ${amount(limit, most)}`);
  bar.children[0].style.width = `${width(used + reserved)}%`;
  bar.children[1].style.width = `${width(kept)}%`;
}
