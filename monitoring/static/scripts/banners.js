// What is wrong with the page itself, with the configuration, or with the store; and where all of this comes from.

import { $, mark, show, write } from "./dom.js";
import { at } from "./time.js";
import { clock } from "./words.js";

const STATES = {
  connecting: () => "connecting…",
  live: () => "live",
  asking: () => "asking every few seconds",
  paused: () => "paused in the background",
  lost: (since) => (since === null ? "not live" : `not live since ${clock(since)}`),
};

export function drawConnection({ state, since, reason }) {
  mark($("live"), "state", state);
  write($("live"), STATES[state](since));
  mark(document.body, "stale", state === "lost" ? "" : null);
  show($("stale"), state === "lost");
  if (state !== "lost") return;
  const seen = since === null || $("main").hidden ? "" : ` What you see is from ${clock(since)}.`;
  write($("stale-why"), `${capital(reason)}.${seen} The page tries again by itself.`);
}

export function drawBanners({ simulated, config, state }) {
  show($("simulated"), simulated);
  show($("config-error"), Boolean(config.error));
  write($("config-error-text"), config.error ?? "");
  const degraded = state.degraded ?? null;
  show($("degraded"), degraded !== null);
  write($("degraded"), degraded ? `The store cannot be used since ${at(degraded.since)}: ${degraded.reason}. Each process counts for itself meanwhile.` : "");
  write($("store"), `${state.store}, ${state.shared ? "shared by all its processes" : "of this process alone"}`);
  const path = config.path ?? "configured in Python";
  write($("source"), config.loaded_at ? `${path}, read at ${at(config.loaded_at)}` : path);
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");
