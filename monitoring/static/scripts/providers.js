// What several parts of the page say of providers.

import { words } from "./words.js";

const HUES = 8;
const ABSENT = ["unconfigured", "disabled"];
const UNAVAILABLE = ["rate_limited", "paced", "cooldown", "probing", "exhausted", "disabled"];

let places = new Map();

/** Remember the order of the providers: each keeps its colour all over the page. */
export function learnProviders(providers) {
  places = new Map(providers.map((each, place) => [each.name, place]));
}

export const hue = (name) => (places.has(name) ? places.get(name) % HUES : HUES);

export const isAbsent = (provider) => ABSENT.includes(provider.status);
export const isUnavailable = (provider) => UNAVAILABLE.includes(provider.status);

export const statusWord = (state) => words(state.status);
