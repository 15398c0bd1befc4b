"""What the soak found: the rows of its table, each with its target."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.turmoil.faults import LOOSE, TIGHT, Episode
from router_config.simulator import Call

MAY_FAIL: Final = ("poison", "embedding", "unencodable")
"""Kinds of requests of which nobody is expected to serve any."""

FREE: Final = ("available", "rate_limited", "preserving")
"""Statuses of a provider that is asked, or would be if its limits had room."""

_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
FAILED: Final = ("failed", "no end", "empty")
GROWTH: Final = {"RSS, MB": 60.0, "descriptors": 8, "connections": 40, "threads": 6, "asyncio tasks": 6, "clients": 6}
"""By how much each may have grown at the end. Not a leak: connections that are kept alive, caches that fill."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `missed`: whether it has a target, and does not reach it."""

    name: str
    found: str
    target: str = ""
    missed: bool = False

    def plain(self) -> dict[str, Any]:
        """The row as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Back:
    """One episode of a provider's, and the seconds after its end until the provider was back; None: never."""

    provider: str
    episode: Episode
    seconds: float | None


def failures(results: Sequence[Mapping[str, Any]], episodes: Sequence[Episode]) -> list[Mapping[str, Any]]:
    """Requests that failed, or were told that nothing is an answer, while somebody could serve them all the time.

    Only providers whose limits are never full count as somebody. A stream that fails after its first content is not
    among them: nobody can go on with it.
    """
    failed = [each for each in results if each["outcome"] in FAILED and each["kind"] not in MAY_FAIL]
    return [
        each
        for each in failed
        if (each["outcome"] != "failed" or not each["content"])
        and any(_could_serve(provider, each, episodes) for provider in LOOSE)
    ]


def broken_after_content(results: Sequence[Mapping[str, Any]]) -> int:
    return sum(each["outcome"] == "failed" and each["content"] for each in results)


def _could_serve(provider: str, request: Mapping[str, Any], episodes: Sequence[Episode]) -> bool:
    return not any(
        one.provider in (provider, "*")
        and one.fault.effect == "fails"
        and one.began <= request["ended"]
        and one.ended >= request["began"]
        and (one.fault.text is None or request["kind"] == "oddity")
        and not (one.fault.text is not None and one.provider == "*")
        for one in episodes
    )


def returns(
    episodes: Sequence[Episode], calls: Sequence[Call], statuses: Sequence[tuple[float, Mapping[str, str]]]
) -> list[Back]:
    """When each provider was back: its first answer after the fault's end, or a status that lets it be asked.

    Left out: an episode after which another came before the provider was back.
    """
    found = []
    harmful = [one for one in episodes if one.fault.effect == "fails" and one.fault.text is None]
    for name in TIGHT + LOOSE:
        theirs = [one for one in harmful if one.provider in (name, "*")]
        moments = [call.at for call in calls if call.provider == name and call.outcome == "ok"]
        if name in TIGHT:
            moments += [at for at, told in statuses if told[name] in FREE]
        followings = [*(each.began for each in theirs[1:]), float("inf")]
        for one, following in zip(theirs, followings, strict=False):
            back = min((at for at in moments if at >= one.ended), default=None)
            if back is not None and back < following:
                found.append(Back(name, one, back - one.ended))
            elif following == float("inf"):
                found.append(Back(name, one, None))
    return found


def reasons(failed: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """The failures by what they were told, most frequent first; numbers are left out."""
    told = Counter(
        "\n    ".join(line.strip()[:110] for line in _NUMBER.sub("#", str(each.get("error"))).splitlines())
        for each in failed
    )
    return [(count, text) for text, count in told.most_common()]


def rows(
    results: Sequence[Mapping[str, Any]],
    episodes: Sequence[Episode],
    summary: Mapping[str, Any],
    used: Mapping[str, int],
    back: Sequence[Back],
    trapped: int,
) -> list[Row]:
    """The lines about requests."""
    outcomes = Counter(each["outcome"] for each in results)
    lost = len(failures(results, episodes))
    too_many = sum(each["rate_limited"] for each in summary.values())
    worst = max((each.seconds for each in back if each.seconds is not None), default=0.0)
    never = sorted({f"{each.provider} ({each.episode.fault.name})" for each in back if each.seconds is None})
    found = [
        Row("requests", str(len(results))),
        *(Row(f"  {name}", str(count)) for name, count in sorted(outcomes.items())),
        Row("faults thrown", f"{len(episodes)} of {len({one.fault.name for one in episodes})} kinds"),
        Row("failures while somebody could serve", str(lost), "0", lost > 0),
        Row("streams broken after their first content", str(broken_after_content(results))),
        Row("429s because of a limit", str(too_many), "0", too_many > 0),
        Row("requests sent on to another host", str(trapped), "0", trapped > 0),
    ]
    for name, each in summary.items():
        found.append(
            Row(
                f"{name}: counted, arrived",
                f"{used[name]}, {each['requests']}",
                "equal",
                used[name] != each["requests"],
            )
        )
    found.append(Row("seconds until a provider was back, at most", f"{worst:.1f}"))
    found += [Row("never back", each, "none", True) for each in never]
    return found


def growth(name: str, first: Mapping[str, float], last: Mapping[str, float]) -> list[Row]:
    """The lines about what a process holds at the start and the end."""
    return [
        Row(
            f"{name}: {what}",
            f"{first[what]:.0f} -> {last[what]:.0f}",
            f"at most +{GROWTH[what]:g}" if what in GROWTH else "",
            what in GROWTH and last[what] - first[what] > GROWTH[what],
        )
        for what in first
    ]


def table(found: Sequence[Row]) -> str:
    """The rows as a table that Markdown understands."""
    heads = ("", "found", "target", "")
    cells = [(row.name, row.found, row.target, "MISSED" if row.missed else "") for row in found]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines = [
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (heads, *cells)
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
