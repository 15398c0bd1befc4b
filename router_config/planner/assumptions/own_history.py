"""What a plan takes from the store of a router: the requests that came, and how long answers took."""

from typing import Final

from router_config.config.models import Config
from router_config.ledger.interfaces import Journal, Ledger
from router_config.ledger.rules.history import HOUR_SECONDS, SLOT_SECONDS, SLOTS_KEPT, SlotSeconds
from router_config.planner.assumptions.latencies import Latencies, latencies_of
from router_config.planner.assumptions.replay import DAY, Replay, replayed

SHORT_BY: Final = 0.98
"""Share of the history asked for that is as good as all of it."""


async def replay_of(journal: Journal, config: Config, seconds: float, now: float) -> tuple[Replay, str]:
    """The requests of the last so many seconds as a workload, and what is to be said of it. Reads only.

    Up to eight days come again in their slots of five minutes; more of them, 60 at most, in their hours. now: epoch
    seconds. Raises ValueError where nobody has asked yet.
    """
    since = now - seconds
    slot: SlotSeconds = SLOT_SECONDS if seconds <= SLOT_SECONDS * SLOTS_KEPT else HOUR_SECONDS
    history = await journal.history(slot, since, now)
    replay = replayed(history, await journal.decisions(), slot, since, now, config.group_of)
    return replay, _told(replay, seconds, now)


async def measured_latencies(ledger: Ledger, config: Config, now: float) -> tuple[Latencies, str]:
    """How long the last 200 answers of each provider took, and what is to be said of it. Reads only."""
    names = [each.name for each in config.by_priority]
    usage = (await ledger.snapshot((), dict.fromkeys(names, now), now)).usage
    latencies = latencies_of({name: usage[name].latencies for name in names if name in usage})
    median = {name: spread.at(0.5) / 1000 for name, spread in latencies.measured.items()}
    if not median:
        return (
            latencies,
            f"Answers take {latencies.usual:g} s, for none has been measured yet (--latency says others).",
        )
    each = ", ".join(f"{name} {seconds:.2g} s" for name, seconds in median.items())
    rest = f", others {latencies.usual:g} s" if len(median) < len(names) else ""
    return latencies, f"Answers take as long as each provider's last ones did: {each} (p50){rest}."


def _told(replay: Replay, seconds: float, now: float) -> str:
    there = now - replay.since
    told = f"Replayed: {replay.requests} requests of the last {_length(there)}"
    if replay.unserved:
        told += f", {replay.unserved} of which nobody served"
    if there < SHORT_BY * seconds:
        told += f"; there is no more history, though {_length(seconds)} were asked for"
    if replay.forgotten:
        told += f". The file no longer has {', '.join(replay.forgotten)}: what was asked there goes to default"
    return told + "."


def _length(seconds: float) -> str:
    days = seconds / DAY
    return f"{days:.3g} days" if days >= 1.5 else f"{seconds / 3600:.3g} hours"
