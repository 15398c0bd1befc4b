"""`router-config doctor`: does everything that is configured work, and if not, what is to be done?"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from router_config.cli.commands.check import door_report
from router_config.cli.text import amount, print_json, table
from router_config.config.loading import load_config
from router_config.config.models import Config

if TYPE_CHECKING:
    from router_config.cli.health_check import Finding

_WORDS = {"ok": "OK", "limited": "no room", "failed": "FAILED", "unconfigured": "no key", "off": "off"}


def doctor(arguments: argparse.Namespace) -> int:
    """Sends one tiny request to each key and model. 1 if something configured does not work."""
    config = load_config(arguments.config)
    timeout = arguments.timeout or config.defaults.timeout
    findings = asyncio.run(_findings(arguments.config, config, timeout))
    from router_config.cli.checks.self_check import versions, ways

    fine = all(finding.works for finding in findings)
    door = {"litellm": versions(), "ways": ways(config)}
    if arguments.json:
        plain = [_plain(each) for each in findings]
        print_json({"ok": fine, "path": str(arguments.config), "findings": plain, **door})
    else:
        _print(findings)
        print("\n" + door_report(door))
    if not any(provider.configured and provider.enabled for provider in config.providers):
        print(f"No provider of {arguments.config} has a key.\n  Set one with router-config env.", file=sys.stderr)
    return 0 if fine else 1


async def _findings(path: str, config: Config, timeout: float) -> list["Finding"]:
    if not sys.stderr.isatty():
        print("asking each key and model ...", file=sys.stderr, flush=True)
    from router_config import Router
    from router_config.cli.health_check import distinct_deployments, examine, not_asked

    router = Router.from_yaml(path)
    try:
        with _progress(len(distinct_deployments(router))) as tell:
            asked = await examine(router, timeout, tell)
    finally:
        await router.aclose()
    return [*asked, *not_asked(config)]


@contextmanager
def _progress(total: int) -> Iterator[Callable[["Finding"], None]]:
    """A bar on a terminal where rich is installed, else a line for each answer, on stderr."""
    if sys.stderr.isatty():
        try:
            from rich.console import Console
            from rich.progress import Progress
        except ImportError:
            pass
        else:
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("asking", total=total)
                yield lambda finding: bar.update(task, advance=1, description=finding.deployment)
            return
    done = 0

    def tell(finding: "Finding") -> None:
        nonlocal done
        done += 1
        took = "" if finding.seconds is None else f", {finding.seconds:.2f} s"
        print(f"[{done}/{total}] {finding.deployment}: {_word(finding)}{took}", file=sys.stderr, flush=True)

    yield tell


def _word(finding: "Finding") -> str:
    word = _WORDS[finding.state]
    return f"{word} again" if finding.revived else word


def _print(findings: list["Finding"]) -> None:
    rows = [
        (
            each.deployment,
            each.variable,
            _word(each) if each.kind in (None, "rate_limit") else f"{_word(each)}: {each.kind}",
            "" if each.seconds is None else f"{each.seconds * 1000:.0f} ms",
            _limits(each),
        )
        for each in findings
    ]
    print(table(("DEPLOYMENT", "KEY", "RESULT", "TOOK", "LEFT"), rows))
    for each in findings:
        told = each.problem is not None and "router-config env" in each.problem
        words = " ".join(filter(None, (each.problem, None if told else each.advice)))
        if words:
            print(f"\n{each.deployment}: {words}")


def _limits(finding: "Finding") -> str:
    return ", ".join(
        f"{amount(row['remaining'])} of {amount(row['limit'])} {name}{' (provider)' * (row['source'] == 'upstream')}"
        for name, row in finding.limits.items()
    )


def _plain(finding: "Finding") -> dict[str, Any]:
    plain = asdict(finding)
    seconds = plain.pop("seconds")
    return {**plain, "latency_ms": None if seconds is None else round(seconds * 1000)}
