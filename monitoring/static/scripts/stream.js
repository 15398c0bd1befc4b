// The event stream: opened, watched, and opened again. It tells what came, and whether what the page shows is live.

import { address, ask } from "./ask.js";
import { learnClockAnew } from "./time.js";

const SILENCE = 20000; // milliseconds; the server says something at least every 15 s
const GREETING = 3000; // and the first thing at once
const PAUSE = 600000; // milliseconds in the background after which a tab gives its connection back
const DELAYS = [500, 1000, 2000, 3000]; // milliseconds between two tries to reach the server

const STATUS = "api/llm-providers";
const EVENTS = "api/llm-providers/events";

/**
 * Follow the server for as long as the page lives. `tell` has
 *   status(document), decisions(list, isFirst), connection({state, since, reason}).
 * state: "live"; "asking", where answers come but no stream does; "lost"; "paused", in a tab nobody looks at.
 */
export function follow(tell) {
  let source = null;
  let state = "connecting";
  let lastEventAt = null; // when anything came last
  let openedAt = 0;
  let patience = GREETING;
  let silent = 0; // streams in a row that said nothing
  let refused = 0; // plain questions in a row that were not answered
  let waiting = null; // the timer of the next try
  let turn = 0; // an answer to a try that was given up meanwhile is ignored
  let hiddenAt = document.hidden ? Date.now() : null;

  function become(next, reason = null) {
    state = next;
    tell.connection({ state, since: lastEventAt, reason });
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(waiting);
    turn += 1;
  }

  function open() {
    close();
    const opened = new EventSource(address(EVENTS));
    let first = true;
    source = opened;
    silent += 1;
    openedAt = Date.now();
    patience = GREETING;
    const on = (kind, handle) =>
      opened.addEventListener(kind, (event) => {
        lastEventAt = Date.now();
        silent = 0;
        patience = SILENCE;
        handle(JSON.parse(event.data));
      });
    on("status", (document) => {
      tell.status(document);
      if (state !== "live") become("live");
    });
    on("decisions", ({ decisions }) => {
      tell.decisions(decisions, first);
      first = false;
    });
    // A browser would reconnect by itself, but not after every failure, and it does not say why it could not.
    opened.addEventListener("error", retry);
  }

  /** The stream is gone. Ask plainly first: an answer is as good, and a refusal has a reason. */
  async function retry() {
    close();
    learnClockAnew();
    const mine = turn;
    try {
      const document = await ask(STATUS);
      if (mine !== turn) return;
      lastEventAt = Date.now();
      refused = 0;
      tell.status(document);
      if (state !== "live" || silent > 1) become("asking");
      waiting = setTimeout(open, silent > 1 ? delay(silent) : 0);
    } catch (error) {
      if (mine !== turn) return;
      become("lost", error.message);
      waiting = setTimeout(retry, delay(refused));
      refused += 1;
    }
  }

  /** Longer and longer, and not the same for every page: there may be many, and the server is one. */
  const delay = (count) => DELAYS[Math.min(count, DELAYS.length - 1)] * (0.8 + 0.4 * Math.random());

  function watch() {
    if (hiddenAt !== null && state !== "paused" && Date.now() - hiddenAt > PAUSE) {
      close();
      become("paused");
    }
    if (source !== null && Date.now() - Math.max(lastEventAt, openedAt) > patience) retry();
  }

  function look() {
    hiddenAt = document.hidden ? Date.now() : null;
    if (!document.hidden && state !== "live") {
      refused = silent = 0;
      retry();
    }
  }

  document.addEventListener("visibilitychange", look);
  window.addEventListener("online", look);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && retry());
  setInterval(watch, 1000);
  open();
}
