"""A workload that came once already: the own history, week by week, as the loads of a plan."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil, floor
from random import Random
from typing import Final, NamedTuple

from router_config.config.loads import Load, Recorded, Spread
from router_config.ledger.rules.decisions import Decision
from router_config.ledger.values import History

WEEK: Final = 7 * 86400
DAY: Final = 86400

SIZES_KEPT: Final = 20
"""Points of the sizes of an agent's requests."""

AGENTS_KEPT: Final = 20
"""Agents that are told apart: those that ask most."""

OTHERS: Final = "others"

NOT_AGAIN: Final = frozenset({"cancelled", "too_large", "context_window", "content_policy", "bad_request"})
"""Outcomes of requests that are not asked for again: the caller gave up, or nobody would ever serve them."""

_Who = tuple[str, str, str | None]
"""An agent, the group that it asks, and its class."""


class Replay(NamedTuple):
    """The loads that a history tells of.

    since: when the history that is there begins, epoch seconds. requests: of the history, with those nobody served.
    unserved: of these. forgotten: groups that are asked for and that the file no longer has.
    """

    loads: tuple[Load, ...]
    since: float
    requests: int
    unserved: int
    forgotten: tuple[str, ...] = ()


def replayed(
    history: History,
    decisions: Sequence[Decision],
    seconds: int,
    since: float,
    now: float,
    group_of: Callable[[str], str | None] = lambda name: name,
) -> Replay:
    """The requests of a history as a workload.

        history = await store.history(300, now - 7 * 86400, now)
        workload = replayed(history, await store.decisions(), 300, now - 7 * 86400, now).loads
        made = plan(config, workload, days=90)

    history: in slots of so many `seconds`. decisions: the last ones, which tell who asks, how large requests are, and
    how many nobody served. since, now: epoch seconds; the slot that goes on now is left out. group_of: the name that a
    group has in the file; None where it has none.

    It comes again week by week, what is shorter than a week day by day. What nobody served counts as far as decisions
    tell of it. Half of a request's tokens are taken for its prompt's.
    Raises ValueError where there is no history.
    """
    first, last = ceil(since / seconds), floor(now / seconds)
    counts: dict[int, float] = defaultdict(float)
    tokens = 0
    for theirs in history.slots.values():
        for number, usage in theirs.items():
            if first <= number < last:
                counts[number] += max(0, usage.requests - usage.errors)
                tokens += usage.tokens
    answered = sum(counts.values())
    unserved = [each for each in decisions if _is_demand(each) and first <= each.at // seconds < last]
    for each in unserved:
        counts[int((each.at - each.seconds) // seconds)] += 1
    if not sum(counts.values()):
        begun = any(last in theirs for theirs in history.slots.values())
        minutes = f", before the {seconds // 60} minutes that are not over yet" if begun else ""
        raise ValueError(f"nobody has asked yet{minutes}")
    first = max(first, min(number for number, count in counts.items() if count))
    recorded = Recorded(seconds, first, tuple(counts[number] for number in range(first, last)))
    groups = {each.group: group_of(each.group) for each in decisions}
    forgotten = tuple(sorted(name for name, now in groups.items() if now is None))
    shares, sizes = _by_agent(decisions, groups)
    mean = tokens / answered if answered else 0.0
    loads = _loads(recorded, shares, sizes, mean)
    return Replay(loads, float(first * seconds), round(sum(recorded.counts)), len(unserved), forgotten)


def moments_again(recorded: Recorded, begins: float, ends: float, chance: Random) -> Iterator[float]:
    """The moments between two (epoch seconds) at which requests come again, at random within their slots."""
    seconds = recorded.seconds
    for number in range(floor(begins / seconds), ceil(ends / seconds)):
        count = _count_again(recorded, number)
        whole = int(count) + (chance.random() < count % 1)
        for at in sorted(chance.random() for _ in range(whole)):
            if begins <= (moment := (number + at) * seconds) < ends:
                yield moment


def _count_again(recorded: Recorded, number: int) -> float:
    """The requests of a slot: of the same hour of the week, else of the same time of day, else as they came."""
    counts, place = recorded.counts, number - recorded.first
    for length in (WEEK // recorded.seconds, DAY // recorded.seconds):
        turn, offset = divmod(place, length)
        known = len(range(offset, len(counts), length))
        if known:
            return counts[offset + length * (turn % known)]
    return counts[place % len(counts)]


def _is_demand(decision: Decision) -> bool:
    """Whether somebody asked whom nobody served, and would ask again."""
    if decision.provider is not None or decision.outcome == "ok":
        return False
    return decision.outcome not in NOT_AGAIN


def _by_agent(
    decisions: Sequence[Decision], groups: Mapping[str, str | None]
) -> tuple[Mapping[_Who, float], Mapping[_Who, list[int]]]:
    """Which share of the requests each agent sent to each group, and their tokens. groups: names in the file."""
    asked = Counter(each.agent or "agents" for each in decisions)
    kept = {agent for agent, _ in asked.most_common(AGENTS_KEPT)}
    counts, sizes = Counter[_Who](), defaultdict[_Who, list[int]](list)
    for each in decisions:
        agent = each.agent or "agents"
        who = agent if agent in kept else OTHERS, groups[each.group] or "default", each.agent_class
        counts[who] += 1
        if each.tokens:
            sizes[who].append(each.tokens)
    whole = counts.total()
    by_name = sorted(counts.items(), key=lambda each: (*each[0][:2], each[0][2] or ""))
    return {who: count / whole for who, count in by_name} or {("agents", "default", None): 1.0}, sizes


def _loads(
    recorded: Recorded, shares: Mapping[_Who, float], sizes: Mapping[_Who, list[int]], mean: float
) -> tuple[Load, ...]:
    """mean: tokens of a request in the history, which the sizes of the last requests are made to have, too."""
    every = sorted(size for theirs in sizes.values() for size in theirs)
    spreads = {who: _spread(sorted(sizes.get(who, ())) or every or [round(mean) or 1]) for who in shares}
    seen = sum(share * spreads[who].mean for who, share in shares.items())
    factor = mean / seen if mean and seen else 1.0
    loads = []
    for who, share in shares.items():
        agent, group, of_class = who
        half = _times(spreads[who], factor / 2)
        again = replace(recorded, counts=tuple(count * share for count in recorded.counts))
        loads.append(Load(agent=agent, agent_class=of_class, group=group, prompt=half, answer=half, recorded=again))
    return tuple(loads)


def _spread(sizes: Sequence[int]) -> Spread:
    """The sizes, smallest first, as a few points."""
    points = min(len(sizes), SIZES_KEPT)
    places = [(number + 0.5) / points for number in range(points)]
    return Spread(tuple((place, float(sizes[int(place * len(sizes))])) for place in places))


def _times(spread: Spread, factor: float) -> Spread:
    return Spread(tuple((share, max(1.0, size * factor)) for share, size in spread.points))
