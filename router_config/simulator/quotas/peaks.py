"""The busiest rolling minute of what was admitted, whatever windows the provider keeps."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from router_config.simulator.quotas.admission import Demand, Quotas, counted
from router_config.simulator.quotas.calendars import MINUTE
from router_config.simulator.quotas.limits import Quota


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest stretch of time at one provider, over all its accounts and models."""

    requests: int
    """most requests of one account in any 60 s"""
    tokens: int
    """most tokens of one account in any 60 s, prompts and answers"""
    requests_ratio: float | None
    """the worst share of a limit per minute on requests; 1.0 is exactly the limit, None: no such limit"""
    tokens_ratio: float | None
    """the same on tokens"""


class Tally:
    """Admitted requests of one account, or of one model of it, in order of arrival."""

    __slots__ = ("arrivals", "prompts", "totals")

    def __init__(self) -> None:
        self.arrivals = array("d")
        self.prompts = array("q")
        self.totals = array("q")

    def add(self, at: float, demand: Demand) -> int:
        self.arrivals.append(at)
        self.prompts.append(demand.prompt)
        self.totals.append(demand.total)
        return len(self.arrivals) - 1

    def settle(self, index: int, real: Demand) -> None:
        self.prompts[index] = real.prompt
        self.totals[index] = real.total


class PeakCounter:
    """Everything that one provider admitted since its last reset."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self._accounts: dict[str, Tally] = {}
        self._models: dict[tuple[str, str], Tally] = {}

    def add(self, account: str, model: str, at: float, demand: Demand, *, metered: bool) -> Callable[[Demand], None]:
        """Count one admitted request. What is returned takes the tokens that it really used.

        metered: the account's limits hold for the model.
        """
        tallies = [self._models.setdefault((account, model), Tally())]
        if metered:
            tallies.append(self._accounts.setdefault(account, Tally()))
        counted = [(tally, tally.add(at, demand)) for tally in tallies]

        def settle(real: Demand) -> None:
            for tally, index in counted:
                tally.settle(index, real)

        return settle

    def worst(self, quotas: Quotas, seconds: float = MINUTE) -> Peak:
        """The busiest `seconds` of all, against the limits per minute that `quotas` hold."""
        limits = quotas.limits
        counted = [(tally, limits.account) for tally in self._accounts.values()]
        counted += [(tally, limits.quota_of(model)) for (_, model), tally in self._models.items()]
        per_account = list(self._accounts.values()) or list(self._models.values())
        return Peak(
            requests=max((_busiest(t.arrivals, None, seconds) for t in per_account), default=0),
            tokens=max((_busiest(t.arrivals, t.totals, seconds) for t in per_account), default=0),
            requests_ratio=_worst([_request_ratio(t, quota, seconds) for t, quota in counted]),
            tokens_ratio=_worst([_token_ratio(t, quota, seconds, self.provider) for t, quota in counted]),
        )


def _request_ratio(tally: Tally, quota: Quota, seconds: float) -> float | None:
    return _ratio(_busiest(tally.arrivals, None, seconds), quota.rpm) if quota.rpm is not None else None


def _token_ratio(tally: Tally, quota: Quota, seconds: float, provider: str) -> float | None:
    prompts, totals = tally.prompts, tally.totals
    ratios: list[float | None] = []
    if quota.tpm is not None:
        amounts = prompts if counted(provider, "tokens") == "input" else totals
        ratios.append(_ratio(_busiest(tally.arrivals, amounts, seconds), quota.tpm))
    if quota.itpm is not None:
        ratios.append(_ratio(_busiest(tally.arrivals, prompts, seconds), quota.itpm))
    if quota.otpm is not None:
        answers = array("q", (total - prompt for prompt, total in zip(prompts, totals, strict=True)))
        ratios.append(_ratio(_busiest(tally.arrivals, answers, seconds), quota.otpm))
    return _worst(ratios)


def _ratio(used: int, limit: int) -> float:
    if limit == 0:
        return float(used)  # one request against a limit of none is a whole limit too many
    return used / limit


def _worst(ratios: Sequence[float | None]) -> float | None:
    return max((ratio for ratio in ratios if ratio is not None), default=None)


def _busiest(arrivals: "array[float]", amounts: "array[int] | None", seconds: float) -> int:
    """The largest sum of amounts (or number of arrivals) within any half-open stretch of `seconds`."""
    order: Sequence[int] = range(len(arrivals))
    if any(arrivals[i] > arrivals[i + 1] for i in range(len(arrivals) - 1)):  # the clock was set back
        order = sorted(order, key=arrivals.__getitem__)
    best = current = first = 0
    for index in order:
        current += 1 if amounts is None else amounts[index]
        while arrivals[order[first]] <= arrivals[index] - seconds:
            current -= 1 if amounts is None else amounts[order[first]]
            first += 1
        best = max(best, current)
    return best
