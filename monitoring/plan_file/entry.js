// The file that `router-config plan --html` writes: a plan that it holds as JSON.

import { $ } from "./dom.js";
import { drawPlan } from "./plan.js";
import { learnProviders } from "./providers.js";

const plan = JSON.parse($("plan-data").textContent);
learnProviders(plan.providers);
drawPlan($("plan"), plan, "h2");
