"""Will it last? The plan of a workload, and what would help where the answer is no."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.planner.advice import advice
from router_config.planner.assumptions.faults import Fault, Loss
from router_config.planner.assumptions.latencies import LATENCY, Latencies
from router_config.planner.fallback import fallback
from router_config.planner.plan import Plan, Progress, planned


def plan(
    config: Config,
    workload: Load | Sequence[Load] | None = None,
    days: int = 90,
    *,
    begins: date | None = None,
    timezone: str = "UTC",
    latency: float | Latencies = LATENCY,
    max_wait: float | None = None,
    faults: Sequence[Fault] = (),
    losses: Sequence[Loss] = (),
    seed: int = 0,
    advise: bool = True,
    progress: Progress = lambda share: None,
    advising: Progress = lambda share: None,
) -> Plan:
    """What the providers of a configuration serve of a workload, by the router's own rules on a virtual clock.

        from router_config.planner.assumptions.workload import even_load

        config = load_config("litellm.yaml")
        made = plan(config, even_load(tokens_per_day=1_000_000), days=90)
        print(made.served, made.binding, made.advice)

        faults = [Fault(of="groq", lasts=2 * 3600, every=3 * 86400)]  # down for two hours in each three days
        made = plan(config, days=90, faults=faults, losses=[Loss(of="gemini", day=30)])
        print(made.served, made.wasted_attempts, made.dark_seconds, made.needless_failures)

    Nothing is used when it begins. workload: that of the file where there is none. days: how many, of `timezone`.
    begins: the first of them; today where none is given. latency: seconds that an answer takes, or those measured of
    each provider. max_wait: seconds that a request may wait for room, instead of the file's. faults: who fails now and
    then. losses: who is gone from a day on. seed: of chance. advise: whether to find out what would help where not all
    is served; that takes as long as some five more plans. progress, advising: are told how far the plan is, and then
    what would help, from 0 to 1.

    Raises ConfigError for a limit in dollars of a model whose price nobody knows, and for a fault of somebody whom the
    configuration does not have; ValueError without a workload.
    """
    loads = (workload,) if isinstance(workload, Load) else tuple(config.workload if workload is None else workload)
    if not loads or days < 1:
        raise ValueError("a plan needs a workload and a day")
    first = datetime.now(ZoneInfo(timezone)).date() if begins is None else begins
    made = planned(
        config,
        loads,
        days,
        begins=first,
        timezone=timezone,
        latency=latency,
        max_wait=max_wait,
        faults=faults,
        losses=losses,
        seed=seed,
        progress=progress,
    )
    progress(1.0)
    if made:
        return made
    answers = made.unserved_tokens - made.unserved_prompts
    made = replace(made, fallback=fallback(config, made.unserved_prompts, answers, days, first))
    if not advise:
        return made
    how: dict[str, Any] = {
        "timezone": timezone,
        "latency": latency,
        "max_wait": max_wait,
        "seed": seed,
        "faults": faults,
        "losses": losses,
    }
    return replace(made, advice=advice(config, loads, made, begins=first, progress=advising, **how))
