"""The candidates of a group without those that are known to have no room: hundreds of full ones cost a request nothing.

What the ledger chooses stays the same, as a test says: nothing changes for the better until something leaves a window,
or a reservation ends.
"""

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.choice import Choice, Skipped, standing
from router_config.ledger.rules.gates import OPEN, Need
from router_config.ledger.values import Lease

AWAKE: Final = 0
SOFT: Final = 1
FULL: Final = 2


class OpenCandidates:
    """Leaves out the full ones, and of those past their soft limit all but the first: only that can be chosen.

    least: the smallest request that the group gets.
    """

    def __init__(self, group: Group, store: MemoryStore, least: Need) -> None:
        self._store, self._least = store, least
        self._listed = group.deployments
        self._place = {each.id: place for place, each in enumerate(self._listed)}
        self._state = [AWAKE] * len(self._listed)
        self._wakes: list[tuple[float, int]] = []
        self._until = [0.0] * len(self._listed)
        self._awake, self._soft = list(range(len(self._listed))), list[int]()
        self._present: Sequence[Deployment] | None = self._listed
        self._by_scope: dict[str, list[int]] = {}
        for place, each in enumerate(self._listed):
            for meter in each.meters:
                self._by_scope.setdefault(meter.scope, []).append(place)
        self._parallel = [
            any(limit.period == "none" for meter in each.meters for limit in meter.limits) for each in self._listed
        ]
        self._full, self._of_provider = Counter[str](), Counter(each.provider for each in self._listed)
        self.changes = 0
        """How often a candidate was left out or taken in again."""

    def at(self, now: float, ordered: Sequence[Deployment] | None = None) -> Sequence[Deployment]:
        """Those that may have room. ordered: the whole group, where its order changes from request to request."""
        while self._wakes and self._wakes[0][0] <= now:
            until, place = heapq.heappop(self._wakes)
            if self._state[place] and self._until[place] == until:
                self._wake(place)
        if ordered is not None and len(self._awake) < len(self._listed):
            return self._thinned(ordered)
        if ordered is not None:
            return ordered
        if self._present is None:
            shown = self._awake
            if self._soft:
                shown = shown.copy()
                insort(shown, self._soft[0])
            self._present = [self._listed[place] for place in shown]
        return self._present

    def may_be_wrong(self, choice: Choice) -> bool:
        """Whether another one past its soft limit might be preferred to this choice. Seldom: then ask all of them."""
        chosen = choice.chosen
        return len(self._soft) > 1 and (chosen is None or chosen.tier == "paid")

    def with_soft(self, ordered: Sequence[Deployment] | None = None) -> Sequence[Deployment]:
        """All that are not full."""
        return [each for each in ordered or self._listed if self._state[self._place[each.id]] != FULL]

    def learn(self, skipped: Iterable[Skipped], need: Need, now: float) -> None:
        """Which candidates a request just found without room, or past their soft limit."""
        for name, status in skipped:
            place = self._place[name]
            found = FULL if status not in OPEN else SOFT
            if self._state[place] == found:
                continue
            deployment = self._listed[place]
            if self._store.any_cooldown and any(self._store.cooldown_of(scope) for scope in deployment.scopes):
                continue  # An answer may end that at any moment.
            others = found == FULL and need != self._least
            if others and standing(deployment, self._least, self._store, now) in OPEN:
                continue
            until = self._store.unchanged_until(deployment.meters)
            if until > now:
                self._sleep(place, found, until)

    def ended(self, lease: Lease, *, gave_back: bool) -> None:
        """A reservation ended. gave_back: less was spent than reserved."""
        for scope in lease.scopes:
            for place in self._by_scope.get(scope, ()):
                if not self._state[place]:
                    continue
                if gave_back or self._parallel[place]:
                    self._wake(place)
                else:  # It counts in a slot now, which may be the first to leave.
                    until = self._store.unchanged_until(self._listed[place].meters)
                    if until < self._until[place]:
                        self._until[place] = until
                        heapq.heappush(self._wakes, (until, place))

    def full(self, skipped: Iterable[Skipped]) -> tuple[set[str], bool]:
        """The providers all of whose deployments are full, and whether all are, with those that a request skipped."""
        closed = self._full.copy()
        for name, status in skipped:
            place = self._place[name]
            if status not in OPEN and self._state[place] != FULL:
                closed[self._listed[place].provider] += 1
        whole = {name for name, number in closed.items() if number == self._of_provider[name]}
        return whole, len(whole) == len(self._of_provider)

    def _thinned(self, ordered: Sequence[Deployment]) -> Sequence[Deployment]:
        """In this order, without the full ones and with the first one alone of those past their soft limit."""
        shown, soft = [], False
        for each in ordered:
            state = self._state[self._place[each.id]]
            if state == AWAKE or (state == SOFT and not soft):
                shown.append(each)
            soft = soft or state == SOFT
        return shown

    def _sleep(self, place: int, state: int, until: float) -> None:
        if self._state[place]:
            self._wake(place)
        self._state[place], self._until[place] = state, until
        del self._awake[bisect_left(self._awake, place)]
        heapq.heappush(self._wakes, (until, place))
        self._present = None
        self.changes += 1
        if state == SOFT:
            insort(self._soft, place)
        else:
            self._full[self._listed[place].provider] += 1

    def _wake(self, place: int) -> None:
        if self._state[place] == SOFT:
            del self._soft[bisect_left(self._soft, place)]
        else:
            self._full[self._listed[place].provider] -= 1
        self.changes += 1
        self._state[place] = AWAKE
        insort(self._awake, place)
        self._present = None
