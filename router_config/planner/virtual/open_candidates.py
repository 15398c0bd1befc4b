"""The candidates of a group without those that are known to have no room: hundreds of full ones cost a request nothing.

What the ledger chooses stays the same, as a test says: nothing changes for the better until something leaves a window,
or a reservation ends.
"""

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf
from typing import Final

from router_config.deployments.candidate_order import Drawn
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.choice import Choice, Skipped, standing
from router_config.ledger.rules.gates import OPEN, Need
from router_config.ledger.values import Lease
from router_config.planner.virtual.steps import done

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
        self._by_model: dict[str, list[int]] = {}
        for place, each in enumerate(self._listed):
            self._by_model.setdefault(each.same_model, []).append(place)
            for meter in each.meters:
                self._by_scope.setdefault(meter.scope, []).append(place)
        self._parallel = [
            any(limit.period == "none" for meter in each.meters for limit in meter.limits) for each in self._listed
        ]
        self._opens_with_time = {
            place
            for place, each in enumerate(self._listed)
            if any(meter.paced or meter.keeps or meter.leftover for meter in each.meters)
        }
        """Where time alone gives more room: paced limits, and what is kept for other classes until it is released."""
        self._keeps_by_forecast = {
            place
            for place, each in enumerate(self._listed)
            if any(keep.release == "forecast" for meter in each.meters for keep in meter.keeps)
        }
        """Where what is kept for others may become less at any moment."""
        tiers = [{each.tier for each in tier} for tier in group.tiers]
        self._paid_first = any(
            "paid" in tier and "free" in set[str]().union(*tiers[at:]) for at, tier in enumerate(tiers)
        )
        """Whether a paid one, full or not, may come before a free one: behind it nobody is preferred to a soft one."""
        self.by_provider: dict[str, list[Deployment]] = {}
        for each in self._listed:
            self.by_provider.setdefault(each.provider, []).append(each)
        self.closed = set[str]()
        """The providers all of whose deployments had no room when `turned` was asked last."""
        self._full, self._touched, self._skipped = Counter[str](), set[str](), tuple[str, ...]()

    def at(self, now: float, drawn: Sequence[Drawn] | None = None) -> Sequence[Deployment]:
        """Those that may have room. drawn: the whole group, where its order changes from request to request."""
        while self._wakes and self._wakes[0][0] <= now:
            until, place = heapq.heappop(self._wakes)
            if self._state[place] and self._until[place] == until:
                self._wake(place)
        if drawn is not None:
            return self._in_order(drawn)
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
        if self._paid_first and any(status == "soft_limited" for _, status in choice.skipped):
            return True
        return len(self._soft) > 1 and (chosen is None or chosen.tier == "paid")

    def with_soft(self, drawn: Sequence[Drawn] | None = None) -> Sequence[Deployment]:
        """All that are not full; all where it matters who is."""
        listed = self._listed if drawn is None else [each for tier in drawn for each in tier.in_order]
        if self._paid_first:
            return listed
        return [each for each in listed if self._state[self._place[each.id]] != FULL]

    def learn(self, skipped: Iterable[Skipped], need: Need, now: float) -> None:
        """Which candidates a request just found without room, or past their soft limit."""
        for name, status in skipped:
            place = self._place[name]
            found = FULL if status not in OPEN else SOFT
            if self._state[place] == found or (status == "kept" and place in self._keeps_by_forecast):
                continue
            deployment = self._listed[place]
            if self._store.any_cooldown and any(self._store.cooldown_of(scope) for scope in deployment.scopes):
                continue  # An answer may end that at any moment.
            others = found == FULL and need != self._least
            if others and standing(deployment, self._least, self._store, now) in OPEN:
                continue
            until = self._store.unchanged_until(deployment.meters)
            if found == FULL and place in self._opens_with_time:
                (examined,) = done(self._store.explain([deployment], self._least, now))
                until = min(until, examined.until or inf)
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

    def learned(self, model: str) -> None:
        """An answer said how many tokens a model counts, with whichever key: less may be reserved of all of them."""
        for place in self._by_model.get(model, ()):
            if self._state[place]:
                self._wake(place)

    def turned(self, skipped: Iterable[Skipped]) -> Sequence[tuple[str, bool]]:
        """Providers that came to have no room since this was asked last (True), or have some again.

        skipped: by a request just now, besides those that are known to be full.
        """
        more = dict[str, int]()
        for name, status in skipped:
            place = self._place[name]
            if status not in OPEN and self._state[place] != FULL:
                provider = self._listed[place].provider
                more[provider] = more.get(provider, 0) + 1
        if not (more or self._touched or self._skipped):
            return ()
        asked, found = {*self._touched, *self._skipped, *more}, list[tuple[str, bool]]()
        self._touched.clear()
        self._skipped = tuple(more)
        for provider in asked:
            closed = self._full[provider] + more.get(provider, 0) == len(self.by_provider[provider])
            if closed != (provider in self.closed):
                found.append((provider, closed))
                (self.closed.add if closed else self.closed.discard)(provider)
        return found

    @property
    def nobody(self) -> bool:
        """Whether no provider has room, when `turned` was asked last."""
        return len(self.closed) == len(self.by_provider)

    def _in_order(self, drawn: Sequence[Drawn]) -> Sequence[Deployment]:
        """As drawn, without the full ones and with the first one alone of those past their soft limit."""
        shown, soft, begins = list[Deployment](), False, 0
        for first, tier in drawn:
            ahead = [self._place[each.id] for each in first]
            for place, each in zip(ahead, first, strict=True):
                state = self._state[place]
                if state == AWAKE or (state == SOFT and not soft):
                    shown.append(each)
                soft = soft or state == SOFT
            ends = begins + len(tier)
            places = self._awake[bisect_left(self._awake, begins) : bisect_left(self._awake, ends)]
            if not soft and self._soft:
                theirs = self._soft[bisect_left(self._soft, begins) : bisect_left(self._soft, ends)]
                if theirs:
                    soft = True
                    insort(places, theirs[0])
            shown += [self._listed[place] for place in places if place not in ahead]
            begins = ends
        return shown

    def _sleep(self, place: int, state: int, until: float) -> None:
        if self._state[place]:
            self._wake(place)
        self._state[place], self._until[place] = state, until
        del self._awake[bisect_left(self._awake, place)]
        heapq.heappush(self._wakes, (until, place))
        self._present = None
        if state == SOFT:
            insort(self._soft, place)
        else:
            self._full[self._listed[place].provider] += 1
            self._touched.add(self._listed[place].provider)

    def _wake(self, place: int) -> None:
        if self._state[place] == SOFT:
            del self._soft[bisect_left(self._soft, place)]
        else:
            self._full[self._listed[place].provider] -= 1
            self._touched.add(self._listed[place].provider)
        self._state[place] = AWAKE
        insort(self._awake, place)
        self._present = None
