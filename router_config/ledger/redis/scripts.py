"""The Lua scripts. The constants of the rules are written before the text of each, so that no number stands twice."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from struct import calcsize
from typing import Final

from router_config.ledger.rules import gates, history, schedule
from router_config.ledger.rules.decisions import DECISIONS_KEPT
from router_config.ledger.rules.meters import BASIC, LIMITS, OBSERVED_LIMIT_LASTS
from router_config.ledger.rules.windows import LENGTHS, STORED

DAY: Final = int(LENGTHS["day"])
LATENCY: Final = "<I"
"""The struct format of one latency, milliseconds."""

SERVER_WRONG_BY: Final = 3600.0
"""Seconds by which the server's clock must differ from a machine's for its date to be wrong."""

CONSTANTS: Final[dict[str, object]] = {
    # Seconds for which Redis keeps what nobody writes to. The longest window is a month, or what the file names.
    "COUNTS_LAST": 33 * DAY,
    "LEASES_LAST": 9 * DAY,
    "HOURS_LAST": history.HOURS_KEPT * history.HOUR_SECONDS + DAY,
    "HISTORY_LASTS": history.SLOTS_KEPT * history.SLOT_SECONDS + DAY,
    "TOTALS_LAST": 90 * DAY,
    "SERVER_WRONG_BY": SERVER_WRONG_BY,
    "MICROSECOND": 1e-6,
    # As in the rules. Limits are numbered in this order, from 0.
    "LIMITS": [
        {"period": STORED[kind.period], "metric": kind.metric, "unit": kind.unit, "exhausts": kind.exhausts}
        | ({} if kind.part is None else {"part": kind.part})
        for kind in LIMITS.values()
    ],
    "LENGTHS": LENGTHS,
    "BASIC": dict.fromkeys(sorted(BASIC), True),
    "OBSERVED_LIMIT_LASTS": OBSERVED_LIMIT_LASTS,
    "ROUNDING": gates.ROUNDING,
    "PROBE_HOLDS": gates.PROBE_HOLDS,
    "BURN_SECONDS": history.BURN_SECONDS,
    "SLOT_SECONDS": history.SLOT_SECONDS,
    "SLOTS_KEPT": history.SLOTS_KEPT,
    "HOUR_SLOTS": history.HOUR_SLOTS,
    "HOURS_KEPT": history.HOURS_KEPT,
    "MINUTES_KEPT": history.MINUTES_KEPT,
    "LATENCIES_BYTES": history.LATENCIES_KEPT * calcsize(LATENCY),
    "DECISIONS_KEPT": DECISIONS_KEPT,
    "EVENTS_KEPT": history.EVENTS_KEPT,
    "COOLDOWN_EVENTS": dict.fromkeys(sorted(history.COOLDOWN_EVENTS), True),
    "RECOVERY_EVENTS": dict.fromkeys(sorted(history.RECOVERY_EVENTS), True),
    "RECOVERED": history.RECOVERED,
    "PAUSES": schedule.PAUSES,
    "REPEATED_AFTER": history.REPEATED_AFTER,
    "TOLD_APART": dict.fromkeys(sorted(history.TOLD_APART), True),
}


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script. `sha` is the SHA-1 by which the server calls it."""

    name: str
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script `lua/<name>.lua` with what it needs before it."""
    folder = files("router_config.ledger.redis").joinpath("lua")
    parts = [folder.joinpath(f"{part}.lua").read_text("utf-8") for part in ("ledger", name)]
    constants = [f"local {key} = {_lua(value)}" for key, value in CONSTANTS.items()]
    text = "\n".join((*constants, *parts))
    return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def _lua(value: object) -> str:
    """A value as Lua writes it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"'{value}'"
        case list():
            return "{ " + ", ".join(_lua(each) for each in value) + " }"
        case dict():
            return "{ " + ", ".join(f"{key} = {_lua(each)}" for key, each in value.items()) + " }"
    return repr(value)
