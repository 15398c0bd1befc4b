// What a screen reader is told: only changes that matter. A provider at its minute's limit comes and goes, and is not one.

import { $, write } from "./dom.js";
import { statusWord } from "./providers.js";
import { at } from "./time.js";

const GRAVE = ["cooldown", "disabled", "exhausted"];

const WELL = ["available", "soft_limited"];

let before = null; // status per provider
const ill = new Set(); // providers that were told to be in a grave state, and are not back yet
let lost = false;

export function announceChanges({ providers, next }) {
  const told = [];
  for (const { name, status, available_at: back } of before ? providers : []) {
    if (before.get(name) === status) continue;
    if (GRAVE.includes(status)) told.push(`${name}: ${statusWord({ status })}${back ? ` until ${at(back)}` : ""}.`);
    if (WELL.includes(status) && ill.has(name)) told.push(`${name} is back.`);
  }
  for (const { name, status } of providers) {
    if (GRAVE.includes(status)) ill.add(name);
    if (WELL.includes(status)) ill.delete(name);
  }
  before = new Map(providers.map((each) => [each.name, each.status]));
  if (told.length) say([...told, ...Object.entries(next).map(([group, name]) => `${group}: ${name ?? "nobody"} answers now.`)].join(" "));
}

export function announceConnection({ state, reason }) {
  if (state === "lost" && !lost) say(`Not live: ${reason}.`);
  if (state === "live" && lost) say("Live again.");
  if (state === "lost" || state === "live") lost = state === "lost";
}

const say = (text) => write($("announced"), text);
