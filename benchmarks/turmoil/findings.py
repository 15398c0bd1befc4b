"""What the soak found: the rows of its table, each with its target."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.turmoil.callers import subject
from benchmarks.turmoil.cooldowns import Cooldown
from benchmarks.turmoil.faults import LOOSE, TIGHT, Episode
from router_config.simulator import Call

MAY_FAIL: Final = ("poison", "embedding", "unencodable")
"""Kinds of requests of which nobody is expected to serve any."""

FREE: Final = ("available", "rate_limited", "preserving")
"""Statuses of a provider that is asked, or would be if its limits had room."""

NOTICED: Final = 3.0
"""Seconds after a rest in which some request surely asks the provider again."""

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
    """One episode of a provider's, and the seconds after its end until the provider was back; None: never.

    late: how many of these seconds it was not rightly in cooldown.
    """

    provider: str
    episode: Episode
    seconds: float | None
    late: float = 0.0


def failures(
    results: Sequence[Mapping[str, Any]], episodes: Sequence[Episode], in_cooldown: Sequence[Cooldown] = ()
) -> list[Mapping[str, Any]]:
    """Requests that failed, or were told that nothing is an answer, while somebody could serve them all the time.

    Somebody is a provider whose limits are never full, that had no fault meanwhile which concerns this request, and
    that was not in cooldown: after a failure which its fault had caused, the router rightly asks it again only after a
    pause. A stream that fails after its first content is not among them: nobody can go on with it.
    """
    failed = [each for each in results if each["outcome"] in FAILED and each["kind"] not in MAY_FAIL]
    return [
        each
        for each in failed
        if (each["outcome"] != "failed" or not each["content"])
        and any(_could_serve(provider, each, episodes, in_cooldown) for provider in LOOSE)
    ]


def broken_after_content(results: Sequence[Mapping[str, Any]]) -> int:
    return sum(each["outcome"] == "failed" and each["content"] for each in results)


def _could_serve(
    provider: str, request: Mapping[str, Any], episodes: Sequence[Episode], in_cooldown: Sequence[Cooldown]
) -> bool:
    began, ended = request["began"], request["ended"]
    if any(each.provider == provider and each.began <= ended and each.ended >= began for each in in_cooldown):
        return False
    return not any(
        one.provider in (provider, "*")
        and one.fault.effect == "fails"
        and one.began <= ended
        and one.ended >= began
        and (one.fault.text is None or request["kind"] == "oddity")
        and not (one.fault.text is not None and one.provider == "*")
        for one in episodes
    )


def returns(
    episodes: Sequence[Episode],
    calls: Sequence[Call],
    statuses: Sequence[tuple[float, Mapping[str, str]]],
    in_cooldown: Sequence[Cooldown] = (),
    end: float = float("inf"),
) -> list[Back]:
    """When each provider was back: its first answer after the fault's end, or a status that lets it be asked.

    Left out: an episode after which another came before the provider was back, and one after which the provider is
    rightly in cooldown until the `end` of the load.
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
            due = max(
                [one.ended, *(each.ended for each in in_cooldown if each.provider == name and each.began < following)]
            )
            back = min((at for at in moments if at >= one.ended), default=None)
            if back is not None and back < following:
                found.append(Back(name, one, back - one.ended, max(0.0, back - due)))
            elif following == float("inf") and due < end - NOTICED:
                found.append(Back(name, one, None))
    return found


def counted_and_arrived(
    attempts: Sequence[Mapping[str, Any]], calls: Sequence[Call], used: Mapping[str, int], lost: int = 0
) -> list[Row]:
    """What the ledger counted at each provider beside what arrived there, request by request.

    More may be counted than arrived: a request that was written to a connection and then cancelled, or whose connection
    broke before any answer, may have arrived, so that the ledger counts it. The table says how many of them did not.
    Never may more have arrived than were counted. lost: requests that were under way in processes that were killed;
    nobody can tell of them.
    """
    found = []
    for provider in TIGHT + LOOSE:
        theirs = [each for each in attempts if each["provider"] == provider]
        arrived = Counter(subject_of(call) for call in calls if call.provider == provider)
        counted: Counter[str] = Counter()
        unanswered: dict[str, list[str]] = {}
        for each in theirs:
            counted[each["about"]] += each["counted"]
            without = each["counted"] - each["answered"]
            ended = "sent again" if each["answered"] else each["outcome"]
            unanswered.setdefault(each["about"], []).extend([ended] * without)
        never = Counter[str]()
        wrong = 0
        for about in counted | arrived:
            over = counted[about] - arrived[about]
            if 0 <= over <= len(unanswered.get(about, ())):
                never.update(unanswered.get(about, [])[:over])
            else:
                wrong += abs(over)
        total = sum(arrived.values())
        told = ", ".join(f"{count} {how}" for how, count in sorted(never.items()))
        text = f"{used[provider]}, {total}" + (f" ({never.total()} sent, never arrived: {told})" if told else "")
        off = abs(used[provider] - total - never.total())
        missed = max(wrong, off) > lost
        text += f"; {max(wrong, off)} unexplained" if max(wrong, off) else ""
        found.append(Row(f"{provider}: counted, arrived", text, "equal but for those", missed))
    return found


def subject_of(call: Call) -> str:
    """What distinguishes the text of a request that arrived from others."""
    body = call.body or {}
    if "contents" in body:
        text = body["contents"][0]["parts"][0]["text"]
    elif "requests" in body:
        text = body["requests"][0]["content"]["parts"][0]["text"]
    elif "input" in body:
        text = body["input"] if isinstance(body["input"], str) else body["input"][0]
    elif "content" in body:
        text = body["content"]["parts"][0]["text"]
    else:
        told = body["messages"][0]["content"]
        text = told if isinstance(told, str) else told[0]["text"]
    return subject(text)


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
    lost: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    trapped: int,
) -> list[Row]:
    """The lines about requests. lost: what `failures` found."""
    outcomes = Counter(each["outcome"] for each in results)
    too_many = sum(each["rate_limited"] for each in summary.values())
    return [
        Row("requests", str(len(results))),
        *(Row(f"  {name}", str(count)) for name, count in sorted(outcomes.items())),
        Row("faults thrown", f"{len(episodes)} of {len({one.fault.name for one in episodes})} kinds"),
        Row("failures while somebody could serve", str(len(lost)), "0", bool(lost)),
        Row("streams broken after their first content", str(broken_after_content(results))),
        Row("429s because of a limit", str(too_many), "0", too_many > 0),
        Row("requests sent on to another host", str(trapped), "0", trapped > 0),
    ]


def upheaval_rows(happened: Sequence[str], forks: Sequence[int | str]) -> list[Row]:
    """The lines about processes, files and clocks."""
    found = [Row(f"  {name}", str(count)) for name, count in sorted(Counter(happened).items())]
    bad = [str(each) for each in forks if each != 0]
    text = f"{len(forks) - len(bad)} of {len(forks)}" + (f": {', '.join(bad)}" if bad else "")
    return [
        Row("upheavals of processes, files and clocks", str(len(happened))),
        *found,
        Row("forked children that ended well", text, "all", bool(bad)),
    ]


def back_rows(back: Sequence[Back]) -> list[Row]:
    """The lines about the providers' return."""
    found = []
    for name in TIGHT + LOOSE:
        theirs = [each for each in back if each.provider == name]
        seconds = sorted(each.seconds for each in theirs if each.seconds is not None)
        late = max((each.late for each in theirs), default=0.0)
        never = sorted({each.episode.fault.name for each in theirs if each.seconds is None})
        text = f"{seconds[len(seconds) // 2]:.1f}, {seconds[-1]:.1f}, {late:.1f}" if seconds else "-"
        text += f"; never after {', '.join(never)}" if never else ""
        label = f"{name}: seconds until it is back, median, most, most after its pause"
        found.append(Row(label, text, f"..., ..., {NOTICED:g}", late > NOTICED or bool(never)))
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
