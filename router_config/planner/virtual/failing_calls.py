"""Calls that fail, in a plan: what follows goes by the rules of the router (`attempts/`, `signals/`)."""

from collections.abc import Sequence
from math import inf

from router_config.attempts.cooldowns import cooldown_after, held_at_once
from router_config.attempts.failing_providers import FailingProviders
from router_config.attempts.in_spite_of_cooldowns import IN_COOLDOWN, REFUSAL_TAKES, InSpiteOfCooldowns
from router_config.attempts.tried import Tried
from router_config.deployments.deployment import Deployment
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.choice import Skipped
from router_config.ledger.rules.decisions import Attempt
from router_config.ledger.rules.meters import Amount, Spending
from router_config.ledger.values import Lease, Settlement
from router_config.planner.assumptions.faults import Failure, Faults
from router_config.planner.virtual.requests import PlannedRequest
from router_config.planner.virtual.steps import done
from router_config.signals import read


class FailingCalls:
    """The failures of a plan, and the cooldowns that they begin in its store.

    cooldown: seconds for which a failing provider is not asked.
    """

    def __init__(self, store: MemoryStore, faults: Faults, cooldown: float) -> None:
        self._store, self._faults, self._cooldown = store, faults, cooldown
        self._failing = FailingProviders(store)
        self._now = 0.0
        self._in_spite = InSpiteOfCooldowns(store, self._failing, inf, lambda: self._now)

    def failure(self, deployment: Deployment, now: float) -> Failure | None:
        """What it answers now that fails; None: it serves."""
        return self._faults.failure(deployment, now)

    def failed(
        self, request: PlannedRequest, deployment: Deployment, lease: Lease, failure: Failure, now: float
    ) -> Spending | None:
        """An attempt ended in failure: its lease is settled, and its cooldown begins. Returns what it spent."""
        tried, reply = _tried(request), failure.reply
        verdict = read(deployment.litellm_provider, reply, now).verdict
        if verdict is None:
            raise AssertionError("what stands for a failure is read as one")
        spent: Spending | None = Amount(requests=1) if reply.status is not None else lease.amount
        tried.deployments.add(deployment.id)
        seconds = now - lease.taken_at
        tried.attempts.append(Attempt(deployment.provider, deployment.model, verdict.kind.value, seconds))
        alive = reply.status is not None and reply.status < 500
        cooldown = cooldown_after(deployment, verdict, now, cooldown=self._cooldown)
        if cooldown is not None:
            alive = alive and not cooldown.probes
            cooldown = held_at_once(cooldown, deployment, lease, tried, request.group, now)
        begun = () if cooldown is None else (cooldown,)
        done(self._store.settle(lease, Settlement(spent, lease.taken_at, now, alive, begun), now))
        return spent

    def answered(
        self, request: PlannedRequest, lease: Lease, settlement: Settlement, revives: str | None, now: float
    ) -> None:
        """An attempt succeeded: those that failed the request before are at fault."""
        if revives is not None:
            done(self._store.end_cooldown(revives))
        if self._failing.dark or (request.tried is not None and request.tried.suspected):
            done(self._failing.answered(request, _tried(request), now))
        done(self._store.settle(lease, settlement._replace(alive=True), now))

    def unanswered(self, request: PlannedRequest, now: float) -> None:
        """Nobody else can be asked."""
        if request.tried is not None:
            done(self._failing.unanswered(request, request.tried, now, nobody_left=True))

    def in_spite(
        self, request: PlannedRequest, candidates: Sequence[Deployment], skipped: Sequence[Skipped], now: float
    ) -> tuple[Lease | None, str | None, float]:
        """Room in spite of cooldowns, where only they are in the way.

        Also returns of which scope, and when to ask again since the outcome of a probe is known (epoch seconds; 0: no
        use to wait).
        """
        if not any(each.status in IN_COOLDOWN for each in skipped):
            return None, None, 0.0
        self._now = now
        lease, revives, known_at = done(self._in_spite.lease(request, _tried(request), candidates, now))
        if request.gives_up is None:
            request.gives_up = now + REFUSAL_TAKES
        again = min(known_at, request.gives_up)
        return lease, revives, again if lease is None and again > now else 0.0

    def could_serve(self, request: PlannedRequest, now: float) -> bool:
        """Whether somebody who serves now has room for a request, whatever cooldowns say."""
        examined = done(self._store.explain(request.group.deployments, request.need, now))
        return any(
            each.blocking is None and self.failure(deployment, now) is None
            for each, deployment in zip(examined, request.group.deployments, strict=True)
        )


def closed(request: PlannedRequest) -> tuple[Skipped, ...]:
    """Those that failed a request, as if they had been skipped for a cooldown."""
    tried = request.tried
    if tried is None or not tried.attempts:
        return ()
    left = {each.id for each in tried.left(request.group.deployments)}
    return tuple(Skipped(each.id, "cooldown") for each in request.group.deployments if each.id not in left)


def _tried(request: PlannedRequest) -> Tried:
    if request.tried is None:
        request.tried = Tried()
    return request.tried
