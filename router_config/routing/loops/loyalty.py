"""A tool loop stays with the deployment that answers it while that has room. It is an order, and breaks no limit."""

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import takewhile
from math import inf
from typing import Final, NamedTuple

from router_config.attempts.loyal_order import LoyalOrder, is_of
from router_config.config.group_rules import sticky_in
from router_config.config.models import Defaults
from router_config.deployments.deployment import Deployment
from router_config.deployments.learned_loops import LearnedLoops
from router_config.forks import taken_for_forks
from router_config.ledger.interfaces import Ledger
from router_config.ledger.rules.loops import Agent, Loop
from router_config.ledger.rules.meters import Spending
from router_config.ledger.values import Affinity
from router_config.routing.loops.conversation import Conversation, deployment_named_in, grown_by_one_answer
from router_config.routing.loops.look_ahead import with_room_for_all
from router_config.routing.loops.residents import ACTIVE, Crowd, Resident
from router_config.routing.request import Flight, Request

LOOK_EVERY: Final = 0.5
"""Seconds for which it is known how many loops live where."""

KEPT: Final = 10_000
"""Conversations that a process knows."""


DEFAULTS: Final = Defaults()

CALLS: Final = re.compile(
    rb'"tool_calls"\s*:\s*\[\s*\{|:\s*"tool_use"|"functionCall"\s*:|"function_call"\s*:\s*\{|:\s*"function_call"'
)
"""What stands in an answer that calls a tool, in the wire formats of chats, Anthropic, Gemini and Responses."""


class _Known(NamedTuple):
    """What this process last learned of a conversation. size: the messages that it had then. agent: whose it is.

    scopes: by which its deployment's minutes are counted. at: when it was answered here, epoch seconds; 0: never.
    """

    affinity: Affinity
    size: int
    agent: Agent
    scopes: tuple[str, ...] = ()
    at: float = 0.0


class Loyalty:
    """Remembers who answers which conversation, for as long as `sticky` says, in the store and in this process."""

    def __init__(self, store: Ledger, loops: LearnedLoops) -> None:
        self._store, self._loops = store, loops
        self._lock = taken_for_forks(threading.Lock())
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._crowd = -inf, Crowd({}, None)
        self._order = LoyalOrder()

    async def in_order(self, request: Request, ordered: Sequence[Deployment], now: float) -> Sequence[Deployment]:
        """The candidates: first who answers the request's tool loop, or who has room for one that begins."""
        conversation = _conversation(request)
        if conversation is None:
            return ordered
        if not conversation.in_loop:
            ordered = self._crowd_at(now).in_order(ordered)
            expectation = self._loops.expected(_agent(request))
            if expectation is None:
                return ordered
            return await with_room_for_all(self._store, ordered, request.need, expectation, now)
        affinity = await self._affinity(request, conversation, now)
        ordered = self._crowd_at(now).in_order(ordered)
        if affinity is None:
            return ordered
        return self._order.first(ordered, affinity.deployment, affinity.provider, affinity.model)

    def answered(self, flight: Flight, spent: Spending | None, now: float) -> Affinity | None:
        """The deployment that answered a conversation, for the store to remember; None where no tools are used."""
        request, deployment = flight.request, flight.deployment
        if request.conversation is None or (conversation := _conversation(request)) is None:
            return None  # Nearly always.
        calls, tokens, began = 0, 0, request.arrived
        if (known := self._known.get(conversation.key)) is not None:
            if conversation.in_loop:
                calls, tokens, began = known.affinity.calls, known.affinity.tokens, known.affinity.began
            else:
                self._has_ended(known)
        affinity = Affinity(
            conversation.key,
            deployment.id,
            deployment.provider,
            deployment.model,
            calls + 1,
            tokens + (0 if spent is None else spent.tokens),
            began,
            now + sticky_of(request),
        )
        scopes = tuple([meter.scope for meter in deployment.meters if meter.limits_minutes])
        kept = self._keep(conversation, _Known(affinity, conversation.size, _agent(request), scopes, now))
        if _calls_no_tool(flight.exchange.answer or flight.exchange.body):
            self._keep(conversation, kept._replace(scopes=()))  # It lives nowhere any more.
            self._has_ended(kept)
        self._drop_ended(now)
        return affinity

    def stays(self, request: Request, deployment: Deployment) -> int | None:
        """The number of this call in a tool loop that stays with its model; None: it is in none, or has moved."""
        if request.conversation is None or (conversation := _conversation(request)) is None:
            return None  # Nearly always.
        known = self._known.get(conversation.key) if conversation.in_loop else None
        if known is None or not is_of(deployment, known.affinity.provider, known.affinity.model):
            return None
        return known.affinity.calls + 1

    async def _affinity(self, request: Request, conversation: Conversation, now: float) -> Affinity | None:
        before = deployment_named_in(request.asked.get("previous_response_id"))
        if before is not None and (deployment := request.group.by_id.get(before)) is not None:
            # What was said before lies with it, and nobody else could go on.
            until = now + sticky_of(request)
            return Affinity(
                conversation.key, before, deployment.provider, deployment.model, 0, 0, request.arrived, until
            )
        known = self._known.get(conversation.key)
        affinity = None if known is None else known.affinity
        # Another process that answered in between has left more than one answer behind.
        if self._store.shared and (known is None or not grown_by_one_answer(request.asked, known.size)):
            affinity = await self._store.affinity(conversation.key, now)
            if affinity is not None:
                self._keep(conversation, _Known(affinity, conversation.size, _agent(request)))
        if affinity is None or now >= affinity.until:
            return None
        return affinity

    def _keep(self, conversation: Conversation, kept: _Known) -> _Known:
        with self._lock:
            self._known[conversation.key] = kept
            self._known.move_to_end(conversation.key)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return kept

    def _crowd_at(self, now: float) -> Crowd:
        """What the loops under way need, as it was at most half a second ago."""
        at, crowd = self._crowd
        if not at <= now < at + LOOK_EVERY:
            with self._lock:
                newest_first = takewhile(
                    lambda each: each.at > now - ACTIVE or not each.at, reversed(self._known.values())
                )
                under_way = [
                    Resident(each.scopes, each.affinity.calls, each.affinity.tokens, each.affinity.began, each.at)
                    for each in newest_first
                    if each.scopes
                ]
            crowd = Crowd.of(under_way)
            self._crowd = now, crowd
        return crowd

    def _drop_ended(self, now: float) -> None:
        """Forget the loops with which nobody went on for long."""
        with self._lock:
            while self._known and (oldest := next(iter(self._known.values()))).affinity.until <= now:
                self._has_ended(oldest)
                del self._known[oldest.affinity.conversation]

    def _has_ended(self, known: _Known) -> None:
        """A loop is over: no tool is called any more, another one has begun, or nobody went on with it for long.

        Of one that was answered elsewhere alone another process tells.
        """
        loop, began = known.affinity, round(known.affinity.began * 1000)
        if known.at:
            self._loops.ended(known.agent, Loop(f"{loop.conversation[:6]}{began:x}", known.at, loop.calls, loop.tokens))


def sticky_of(request: Request) -> float:
    """Seconds for which a tool loop stays with its model after each answer; 0: it does not."""
    terms = request.terms
    defaults = DEFAULTS if terms.config is None else terms.config.defaults
    return sticky_in(terms.group_rules, request.group.name, defaults.sticky)


def _conversation(request: Request) -> Conversation | None:
    return request.conversation if request.conversation is not None and sticky_of(request) > 0 else None


def _agent(request: Request) -> Agent:
    return request.agent or "", request.group.name


def _calls_no_tool(answer: bytes | None) -> bool:
    """Whether a whole answer calls no tool. Of a stream nobody knows."""
    return answer is not None and CALLS.search(answer) is None
