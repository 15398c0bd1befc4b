"""What the simulator saw of a client: the figures of the table."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load import LONGEST_PROMPT, MAX_TOKENS, Result
from router_config.simulator import Call

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One client's row. `capacity` is the share of what the limits allow; `dark` counts seconds without service.

    `worst_minute` and `worst_day` are shares of a limit: what was sent in any rolling minute, refused requests
    included, and what was admitted in a day.
    """

    client: str
    asked: int
    served: int
    cancelled: int
    refused: int
    admitted: int
    allowed: int
    too_many: int
    worst_minute: float
    worst_day: float
    dark: int
    by_provider: Mapping[str, int]
    late: float
    """seconds by which the load itself was late at worst: the machine was too busy"""

    @property
    def capacity(self) -> float:
        return self.admitted / self.allowed


def judged(
    client: str,
    results: Sequence[Result],
    calls: Sequence[Call],
    summary: Mapping[str, Any],
    limits: Mapping[str, Mapping[str, int]],
    *,
    keys: int,
    allowed: int,
) -> Judged:
    """The row of a client from its own results and from the records of its simulator."""
    admitted = [call for call in calls if call.admitted]
    outcomes = [result.outcome for result in results]
    return Judged(
        client=client,
        asked=len(results),
        served=outcomes.count("served"),
        cancelled=outcomes.count("cancelled"),
        refused=outcomes.count("refused"),
        admitted=len(admitted),
        allowed=allowed,
        too_many=sum(call.status == 429 for call in calls),
        worst_minute=max((busiest_minute(name, calls) / each["rpm"] for name, each in limits.items()), default=0.0),
        worst_day=max(_day_ratios(summary, limits), default=0.0),
        dark=len(dark_seconds(results, admitted, limits, keys)),
        by_provider={name: sum(call.provider == name for call in admitted) for name in limits},
        late=max(result.began - result.due for result in results),
    )


def busiest_minute(provider: str, calls: Iterable[Call]) -> int:
    """Most requests that one account was sent in any 60 s, refused ones included."""
    by_key: dict[str | None, list[float]] = {}
    for call in calls:
        if call.provider == provider:
            by_key.setdefault(call.key, []).append(call.at)
    most = 0
    for moments in by_key.values():
        moments.sort()
        most = max(most, *(end + 1 - bisect_right(moments, at - MINUTE) for end, at in enumerate(moments)))
    return most


def dark_seconds(
    results: Sequence[Result], admitted: Iterable[Call], limits: Mapping[str, Mapping[str, int]], keys: int
) -> list[int]:
    """Seconds (numbered from the start) in which requests came, a provider had had room for any of them since the
    second's beginning, and none was served.
    """
    rooms = {name: Room(name, limit, keys, admitted) for name, limit in limits.items()}
    begins = min(result.due for result in results)
    asked = sorted({int(result.due - begins) for result in results})
    served = {int(call.at - begins) for call in admitted}
    return [
        second for second in asked if second not in served and any(room.at(begins + second) for room in rooms.values())
    ]


class Room:
    """What a provider had left at any moment, by exact rolling windows over the requests that it admitted."""

    def __init__(self, provider: str, limits: Mapping[str, int], keys: int, admitted: Iterable[Call]) -> None:
        self._rpm, self._tpd, self._keys = limits.get("rpm"), limits.get("tpd"), keys
        self._by_key: dict[str | None, list[Call]] = {}
        for call in sorted(admitted, key=lambda each: each.at):
            if call.provider == provider:
                self._by_key.setdefault(call.key, []).append(call)

    def at(self, moment: float, *, since: float = 0.0, until: float = 0.0, tokens: int = 0) -> bool:
        """Whether an account has room for any request at `moment`.

        `since` and `until` widen the window by so many seconds at its ends; `tokens` of the day stay unused.
        """
        needed = LONGEST_PROMPT + MAX_TOKENS + tokens
        if len(self._by_key) < self._keys:
            return True
        for calls in self._by_key.values():
            moments = [call.at for call in calls]
            ends = bisect_right(moments, moment + until)
            begins = bisect_left(moments, moment - MINUTE - since)
            requests_left = self._rpm is None or ends - begins < self._rpm
            spent = sum(call.tokens for call in calls[:ends])
            if requests_left and (self._tpd is None or spent + needed <= self._tpd):
                return True
        return False


def _day_ratios(summary: Mapping[str, Any], limits: Mapping[str, Mapping[str, int]]) -> list[float]:
    return [
        window["used"] / window["limit"]
        for name in limits
        for windows in summary[name]["windows"].values()
        for limit, window in windows.items()
        if limit in ("rpd", "tpd")
    ]
