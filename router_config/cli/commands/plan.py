"""`router-config plan`: whether the providers of the file last for a workload, day by day."""

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from router_config.cli.plan_history import latencies_measured, outages_observed, requests_replayed
from router_config.cli.progress import Progress
from router_config.cli.text import amount, plural, print_json, span, table
from router_config.config.loading import load_config
from router_config.config.loads import Load
from router_config.config.models import Config, ConfigError
from router_config.deployments.model_list import prices_of
from router_config.planner.assumptions.latencies import Latencies
from router_config.planner.assumptions.what_if import (
    NO_KEYS,
    not_planned,
    usable,
    with_every_key,
    with_key,
    with_provider,
)
from router_config.planner.assumptions.workload import DAY, MONTH, even_load
from router_config.planner.document import COLUMNS, date_of, document, rows
from router_config.planner.largest import largest
from router_config.planner.plan import ClassServed, Plan, PlanDay, Served
from router_config.planner.planning import plan as make_plan
from router_config.planner.wording import date_and_time, first_line, in_the_way, percent, rounded, time_of_day

_DAYS_SHOWN = 7
_PROVIDERS = (
    "PROVIDER",
    "TIER",
    "SHARE",
    "TOKENS A DAY",
    "REQUESTS A DAY",
    "$ A MONTH",
    "FULL A DAY",
    "FIRST FULL",
    "BY",
)
_CLASSES = (
    "CLASS",
    "SERVED",
    "TOKENS A DAY",
    "REQUESTS A DAY",
    "UNSERVED REQUESTS",
    "FIRST UNSERVED",
    "IN THE WAY",
)
_DAYS = ("DAY", "SERVED", "UNSERVED TOKENS", "REQUESTS", "SINCE", "NOBODY HAD ROOM FOR")


def plan(arguments: argparse.Namespace) -> int:
    """Prints the answer: 0 where all is served, 1 where it is not."""
    config, remarks = _config(arguments)
    loads, about = _loads(arguments, config)
    remarks += about
    begins = arguments.begins or datetime.now(ZoneInfo(arguments.timezone)).date()
    faults = tuple(arguments.fault or ())
    if arguments.faults == "observed":
        observed, told = outages_observed(config)
        faults, remarks = (*faults, *observed), [*remarks, told]
    latency: float | Latencies = arguments.latency
    if latency is None:
        latency, told = latencies_measured(config)
        remarks.append(told)
    times = 1.0
    with Progress("planning") as progress:
        how: dict[str, Any] = {
            "begins": begins,
            "timezone": arguments.timezone,
            "latency": latency,
            "max_wait": arguments.max_wait,
            "faults": faults,
            "losses": tuple(arguments.lose or ()),
            "seed": arguments.seed,
            "progress": progress.told,
        }
        if arguments.max:
            found = largest(config, loads, arguments.days, **how)
            if found is None:
                print("Nothing of it is served, however little is asked.", file=sys.stderr)
                return 1
            times, made = found
        else:
            advising = progress.then("looking for what would help")
            made = make_plan(config, loads, arguments.days, advise=arguments.advice, advising=advising, **how)
    told = first_line(made, config, _asked(arguments, made))
    if arguments.json:
        shown = document(made, told, remarks)
        print_json({**shown, "times": round(times, 4)} if arguments.max else shown)
    elif arguments.html:
        _write_page(arguments.html, document(made, told, remarks), config)
    elif arguments.csv:
        csv.writer(sys.stdout).writerows([COLUMNS, *rows(made)])
    else:
        if arguments.max:
            most = f"{rounded(made.tokens_per_day)} tokens a day"
            print(f"At most {most} are served to 99.9 %, {times:.3g} times as asked.")
        print("\n".join(_lines(made, config, told)))
        _print_remarks(remarks, made.left_out)
    return 0 if made else 1


def _write_page(path: str, shown: dict[str, Any], config: Config) -> None:
    """The plan as a page of its own; - is standard output."""
    of = "" if config.path is None else Path(config.path).name
    when = f"Planned on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by router-config plan."
    page: str = import_module("router_config.monitoring.plan_file").page(shown, about=of, made=when)
    if path == "-":
        sys.stdout.write(page)
        return
    Path(path).write_text(page, "utf-8")
    print(shown["told"])
    print(f"Its charts: {path}", file=sys.stderr)
    _print_remarks(shown["remarks"], shown["left_out"])


def _print_remarks(remarks: Sequence[str], missing: Mapping[str, str]) -> None:
    for remark in remarks:
        print(remark, file=sys.stderr)
    for name, reason in missing.items():
        print(f"{name} is left out: {reason}. --all-keys counts it in.", file=sys.stderr)


def _config(arguments: argparse.Namespace) -> tuple[Config, list[str]]:
    """The configuration that is asked about, and what is to be said of it."""
    asked, remarks = load_config(arguments.config), []
    config = with_every_key(asked) if arguments.all_keys else usable(asked)
    if config is not asked and not arguments.all_keys:
        remarks.append(NO_KEYS)
    for name in arguments.add_key or ():
        config = with_key(config, name)
    for name in arguments.add or ():
        config = with_provider(config, name, datetime.now(UTC).date())
    hint = "it counts as free here; give it one: price: {input: 0.15, output: 0.60}."
    remarks += not_planned(config)
    remarks += [f"Nobody knows the price of {name}: {hint}" for name in _priceless(config)]
    return config, remarks


def _priceless(config: Config) -> Iterator[str]:
    """The paid models in use whose price is not known."""
    paid = [each for each in config.providers if each.tier == "paid" and each.enabled and each.configured]
    prices = prices_of(paid)
    for each in paid:
        yield from (f"{each.name}/{model.name}" for model in each.models if not prices[each.name, model.name])


def _loads(arguments: argparse.Namespace, config: Config) -> tuple[list[Load], list[str]]:
    """The workload, and what is to be said of it."""
    loads, about = _unscaled(arguments, config)
    return [load.times(arguments.times) for load in loads], about


def _unscaled(arguments: argparse.Namespace, config: Config) -> tuple[Sequence[Load], list[str]]:
    if arguments.replay:
        replay, told = requests_replayed(arguments.replay, config)
        return replay.loads, [told]
    if arguments.tokens_per_day or arguments.requests_per_hour:
        load = even_load(
            tokens_per_day=arguments.tokens_per_day,
            requests_per_hour=arguments.requests_per_hour,
            tokens=arguments.tokens,
        )
        return (load,), []
    if config.workload:
        return config.workload, []
    hint = "Write --tokens-per-day 1M, or --requests-per-hour 120, or --replay 7d, or workload: into the file."
    raise ConfigError(f"router-config plan: it needs a workload\n  {hint}")


def _asked(arguments: argparse.Namespace, made: Plan) -> str:
    asked = _asked_once(arguments, made)
    return asked if arguments.times == 1 or arguments.max else f"{arguments.times:g} times {asked}"


def _asked_once(arguments: argparse.Namespace, made: Plan) -> str:
    if arguments.max:
        return f"{rounded(made.tokens_per_day)} tokens a day"
    if arguments.tokens_per_day:
        return f"{amount(arguments.tokens_per_day)} tokens a day"
    if arguments.requests_per_hour:
        return f"{amount(arguments.requests_per_hour)} requests an hour of {amount(arguments.tokens)} tokens"
    return f"{rounded(made.tokens_per_day / arguments.times)} tokens a day"


def _lines(made: Plan, config: Config, told: str) -> Iterator[str]:
    yield told
    yield ""
    tiers = {each.name: each.tier for each in config.providers}
    days = len(made.days)
    yield table(_PROVIDERS, [_row(each, tiers[each.provider], days, made.timezone) for each in made.providers])
    if made.classes:
        yield ""
        yield table(_CLASSES, [_class(each, days, made.timezone) for each in made.classes])
    if made.wait_p95:
        half, most = span(made.wait_p50), span(made.wait_p95)
        yield f"\nRequests wait for room: half of them {half} at most, 95 % {most} at most."
    if made.loops is not None:
        begun, moved = plural(made.loops.begun, "tool loop"), plural(made.loops.moved, "time")
        yield f"\n{begun} begun; within them calls changed the model {moved}."
    bad = [day for day in made.days if day.unserved_requests]
    if bad:
        yield f"\nNot all was served on {plural(len(bad), 'day')} of {days}; the worst of them:"
        worst = sorted(sorted(bad, key=lambda day: day.served)[:_DAYS_SHOWN], key=lambda day: day.begins)
        yield table(_DAYS, [_day(each, made.timezone) for each in worst])
    if (hour := made.worst_hour) is not None:
        first = f"The first was not served at {date_and_time(made.unserved_since, made.timezone)}"
        when = date_and_time(hour.begins, made.timezone)
        yield f"\n{first}; the worst hour began at {when}, with {hour.unserved} of {hour.requests} requests not served."
    if made.wasted_attempts:
        needless = f"{plural(made.needless_failures, 'request')} failed though somebody could have answered"
        yield f"\nProviders that failed were asked {plural(made.wasted_attempts, 'time')} in vain; {needless}."
    if made.advice:
        yield "\nWhat would help, the best first:"
        yield from (f"  {each}" for each in made.advice)


def _row(each: Served, tier: str, days: int, timezone: str) -> tuple[object, ...]:
    return (
        each.provider,
        tier,
        percent(each.share),
        rounded(each.tokens / days),
        rounded(each.requests / days),
        f"{each.usd / days * MONTH / DAY:.2f}" if each.usd else "-",
        span(each.full_seconds / days) if each.full_since is not None else "-",
        date_and_time(each.full_since, timezone),
        each.binding,
    )


def _class(each: ClassServed, days: int, timezone: str) -> tuple[object, ...]:
    return (
        each.name,
        percent(each.served),
        rounded(each.tokens / days),
        rounded(each.requests / days),
        each.unserved_requests or "-",
        date_and_time(each.unserved_since, timezone),
        in_the_way(each),
    )


def _day(day: PlanDay, timezone: str) -> tuple[object, ...]:
    return (
        date_of(day, timezone),
        percent(day.served),
        rounded(day.unserved_tokens),
        day.unserved_requests,
        time_of_day(day.unserved_since, timezone),
        span(day.dark_seconds),
    )
