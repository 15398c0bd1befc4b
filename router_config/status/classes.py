"""What each class of agents has used today and was refused, and what is kept for it where: `classes` of the status."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from router_config.config.agent_classes import AgentClass
from router_config.deployments.class_access import day_meter, refused_meter, scope_of, share_of
from router_config.ledger.rules.classes.keeps import Keep
from router_config.ledger.rules.classes.kept import kept_of
from router_config.ledger.rules.gates import limits_in_force
from router_config.ledger.rules.meters import Amount, Counts, LimitName, Meter
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.windows import Calendar
from router_config.status.numbers import number, whole

if TYPE_CHECKING:
    from router_config.status.views import ProviderView


class _Seen(NamedTuple):
    """A meter of a provider and what a class has of it.

    own: the scope that counts what the class uses. kept: the meter with what is kept for the class alone; None: nothing
    is. never: the same as if it were never released; None: it never is.
    """

    meter: Meter
    own: str
    kept: Meter | None
    never: Meter | None


class _Place(NamedTuple):
    """A provider as a class uses it: the limits of its accounts, and of models that have some of their own."""

    name: str
    reserve: float
    accounts: tuple[_Seen, ...]
    models: tuple[tuple[str, tuple[_Seen, ...]], ...]


class ClassesShown:
    """The classes of a view, made once for it."""

    def __init__(self, classes: Sequence[AgentClass], providers: Sequence["ProviderView"]) -> None:
        self._classes = classes
        self._places = {each.name: tuple(_places(each, providers)) for each in classes}

    async def documents(self, counts: Mapping[str, Counts], expected: Expected, now: float) -> list[dict[str, Any]]:
        """The JSON of each class, in the order of the file. counts: by scope. now: epoch seconds.

        Between two classes the event loop gets its turn.
        """
        pages, found = _Pages(counts, expected), []
        for each in self._classes:
            found.append(self._document(each, pages, now))
            await asyncio.sleep(0)
        return found

    def _document(self, agent_class: AgentClass, pages: "_Pages", now: float) -> dict[str, Any]:
        today, refused = (_today(pages, make(agent_class)) for make in (day_meter, refused_meter))
        return {
            "name": agent_class.name,
            "agents": list(agent_class.agents),
            "reserve": number(agent_class.reserve),
            "share": number(agent_class.share),
            "use": agent_class.use,
            "requests_today": today.requests,
            "tokens_today": today.tokens,
            "cost_usd_today": round(today.usd, 9),
            "refused_today": refused.requests,
            "providers": [
                {
                    "name": each.name,
                    "reserve": number(each.reserve),
                    "limits": _limits(each.accounts, agent_class, pages, now),
                    "models": [
                        {"name": name, "limits": _limits(seen, agent_class, pages, now)} for name, seen in each.models
                    ],
                }
                for each in self._places[agent_class.name]
            ],
        }


@dataclass(frozen=True, slots=True)
class _Pages:
    """Counts by scope, as the rules ask for them."""

    by_scope: Mapping[str, Counts]
    expected: Expected

    def counts(self, meter: Meter) -> Counts | None:
        return self.by_scope.get(meter.scope)


def _places(agent_class: AgentClass, providers: Iterable["ProviderView"]) -> Iterator[_Place]:
    for each in providers:
        if each.absent is not None or agent_class.barred_from(each.name, each.tier) is not None:
            continue
        models = [(name, _seen(meters, agent_class, each.name)) for name, (_, meters) in each.of_model.items()]
        accounts = _seen(each.accounts, agent_class, each.name)
        yield _Place(
            each.name, agent_class.reserve_at(each.name), accounts, tuple((name, seen) for name, seen in models if seen)
        )


def _seen(meters: Iterable[Meter], agent_class: AgentClass, provider: str) -> tuple[_Seen, ...]:
    reserve, found = agent_class.reserve_at(provider), []
    for each in meters:
        if not each.limits:
            continue
        own = scope_of(each, agent_class.name)
        keep = Keep(own, agent_class.name, reserve, agent_class.release)
        kept = replace(each, keeps=(keep,)) if reserve else None
        may_be_released = reserve and agent_class.release != "never" and isinstance(each.long, Calendar)
        never = replace(each, keeps=(keep._replace(release="never"),)) if may_be_released else None
        found.append(_Seen(each, own, kept, never))
    return tuple(found)


def _limits(seen: Iterable[_Seen], agent_class: AgentClass, pages: _Pages, now: float) -> dict[LimitName, Any]:
    """Each limit as the class has it, summed over the accounts of a pool of keys."""
    sums: dict[LimitName, dict[str, Any]] = {}
    for meter, own, kept, never in seen:
        counts, theirs = pages.by_scope.get(meter.scope) or Counts(), pages.by_scope.get(own) or Counts()
        for limit, used in limits_in_force(meter, counts, now):
            held, amount, full = used + counts.open.of(limit.metric), 0.0, 0.0
            if kept is not None:
                amount = full = kept_of(kept, limit, held, pages, now).amount
            if never is not None:
                full = kept_of(never, limit, held, pages, now).amount
            total = sums.setdefault(limit.name, {"kept": 0, "used": 0, "reserved": 0, "share": None, "released": False})
            total["kept"] += amount
            total["used"] += theirs.used(limit)
            total["reserved"] += theirs.open.of(limit.metric)
            total["released"] |= amount < full
            if agent_class.share < 1:
                total["share"] = (total["share"] or 0) + share_of(limit, agent_class.share)
    for name, each in sums.items():
        each["used"], each["reserved"] = number(whole(name, each["used"])), number(each["reserved"])
        each["kept"] = number(each["kept"])
        each["share"] = None if each["share"] is None else number(each["share"])
    return dict(sorted(sums.items()))


def _today(pages: _Pages, meter: Meter) -> Amount:
    counts = pages.counts(meter)
    return Amount() if counts is None else counts.long
