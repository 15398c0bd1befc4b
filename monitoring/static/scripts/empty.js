// What a newcomer does first: set a key, then send a request.

import { $, element, refill, show, write } from "./dom.js";
import { isAbsent } from "./providers.js";

const WITHOUT_KEYS = [
  "Set the key of at least one provider; it is never shown: `router-config env`",
  "Look whether the file is right, and who would serve what: `router-config check`",
  "Start this page again: `router-config serve`",
  "Or see it at work first, with simulated providers and without a key: `router-config demo`",
];
const WITHOUT_TRAFFIC = [
  "Ask something: `router-config ask \"Hello\"`",
  "Try every key and model with one tiny request: `router-config doctor`",
  "In Python: `Router.from_yaml(\"litellm.yaml\")`; this page shows who answers, as it happens.",
  "Or see the page at work with simulated providers: `router-config demo`",
];

export function drawEmpty({ providers }) {
  const ready = providers.some((each) => !isAbsent(each));
  const asked = providers.some((each) => each.usage_today.requests || each.usage_today.errors);
  show($("empty"), !ready || !asked);
  if (ready && asked) return;
  write($("empty-title"), ready ? "No request today yet" : "No provider is configured yet");
  refill($("empty-steps"), ready, () => (ready ? WITHOUT_TRAFFIC : WITHOUT_KEYS).map(step));
}

/** A line of text; what stands between backticks is code. */
const step = (text) => element("li", {}, ...text.split("`").map((piece, place) => (place % 2 ? element("code", {}, piece) : piece)));
