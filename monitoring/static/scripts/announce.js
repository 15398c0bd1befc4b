// What a screen reader is told: only changes that matter. A provider at its minute's limit comes and goes, and is not one.

import { $, write } from "./dom.js";
import { statusWord } from "./providers.js";
import { at } from "./time.js";

const GRAVE = ["cooldown", "disabled", "exhausted"];

let before = null; // status per provider
let lost = false;

export function announceChanges({ providers, next }) {
  const told = [];
  for (const { name, status, available_at: back } of before ? providers : []) {
    const was = before.get(name);
    if (was === status) continue;
    if (GRAVE.includes(status)) told.push(`${name}: ${statusWord({ status })}${back ? ` until ${at(back)}` : ""}.`);
    else if (GRAVE.includes(was) && status === "available") told.push(`${name} is available again.`);
  }
  before = new Map(providers.map((each) => [each.name, each.status]));
  if (told.length) say([...told, ...Object.entries(next).map(([group, name]) => `${group}: ${name ?? "nobody"} answers now.`)].join(" "));
}

export function announceConnection({ state, reason }) {
  if (state === "lost" && !lost) say(`Not live: ${reason}.`);
  if (state === "live" && lost) say("Live again.");
  lost = state === "lost";
}

const say = (text) => write($("announced"), text);
