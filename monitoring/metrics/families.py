"""The router's metrics, by the conventions of Prometheus: base units, `_total`, one unit for each name.

Labels are the providers and models of the configuration and words of fixed lists (statuses, outcomes, windows), never
anything that a request or a response brings. So their number is bounded by the configuration: 13 series for a provider,
at most 34 for each of its models, 3 for each limit, and 4 for each of its days, weeks and months; of a class of agents
4, and 3 for each limit.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, Final, get_args

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from router_config.iso import epoch
from router_config.ledger.rules.meters import kind_of
from router_config.ledger.rules.totals import BUCKETS, CANCELLED, HEDGES, OK, Counted, CountedKind
from router_config.signals import Kind
from router_config.status.measurements import Reading

from ..documents import Status

PREFIX: Final = "llm_router_"
OUTCOMES: Final = frozenset({OK, CANCELLED, *(kind.value for kind in Kind)})
OTHER: Final = "other"
"""The outcome that stands for those which a newer version counted in the same store."""

_UNITS: Final = {
    ("requests", None): "requests",
    ("tokens", None): "tokens",
    ("tokens", "input"): "input_tokens",
    ("tokens", "output"): "output_tokens",
    ("usd", None): "dollars",
}


_EDGES: Final = {"early": "p10", "middle": "p50", "late": "p90"}


def _unit(limit: str) -> str:
    kind = kind_of(limit)
    return _UNITS[kind.metric, kind.part]


def _window(limit: str) -> str:
    """The label of a limit's window: `week`, `5h`, or `concurrent` for what is under way."""
    unit = kind_of(limit).unit
    return limit.rpartition("_")[2] if unit == "odd" else unit


class Families(Collector):
    """The metrics of one reading."""

    def __init__(self, reading: Reading) -> None:
        self._document = reading.document
        self._providers: list[dict[str, Any]] = reading.document["providers"]
        self._models = [(each["name"], model["name"]) for each in self._providers for model in each["models"]]
        self._totals = reading.totals
        self._disabled_keys = reading.disabled_keys

    def collect(self) -> Iterable[Metric]:
        yield from self._attempts()
        yield self._durations()
        yield from self._counted()
        yield from self._statuses()
        yield from self._limits()
        yield from self._forecast()
        yield from self._of_classes()
        yield from self._whole_router()

    def _attempts(self) -> Iterator[Metric]:
        attempts: dict[tuple[str, ...], float] = {(*model, OK): 0 for model in self._models}
        tokens: dict[tuple[str, ...], float] = dict.fromkeys(self._models, 0)
        dollars: dict[tuple[str, ...], float] = dict.fromkeys(self._models, 0)
        for (provider, model, outcome, _), sums in self._totals.attempts.items():
            if (provider, model) not in tokens:
                continue
            ended = (provider, model, outcome if outcome in OUTCOMES else OTHER)
            attempts[ended] = attempts.get(ended, 0) + sums.attempts
            tokens[provider, model] += sums.tokens
            dollars[provider, model] += sums.usd
        of_model = ("provider", "model")
        yield _counter("requests", "Attempts at a model, by how they ended.", (*of_model, "outcome"), attempts)
        yield _counter("tokens", "Tokens of prompts and answers.", of_model, tokens)
        yield _counter("cost_dollars", "US dollars by the prices of the configuration.", of_model, dollars)

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            f"{PREFIX}request_duration_seconds",
            "How long answers took, from the choice of the model to the last byte.",
            labels=("provider", "model"),
        )
        answers = {model: [0] * (len(BUCKETS) + 1) for model in self._models}
        seconds = dict.fromkeys(self._models, 0.0)
        for (provider, name, outcome, bucket), sums in self._totals.attempts.items():
            if outcome == OK and (provider, name) in answers:
                answers[provider, name][bucket] += sums.attempts
                seconds[provider, name] += sums.seconds
        names = [*map(floatToGoString, BUCKETS), "+Inf"]
        for model in self._models:
            family.add_metric(model, list(zip(names, accumulate(answers[model]), strict=True)), seconds[model])
        return family

    def _counted(self) -> Iterator[Metric]:
        providers = [(each["name"],) for each in self._providers]
        yield _counter(
            "upstream_429_responses",
            "Answers of a provider with HTTP status 429.",
            ("provider", "model"),
            self._times("http_429", self._models),
        )
        yield _counter(
            "cooldowns",
            "Times that a provider, or a key or model of it, failed and went into cooldown.",
            ("provider",),
            self._times("cooldown", providers),
        )
        yield _counter(
            "failovers",
            "Requests that went on with another provider because this one failed them.",
            ("provider",),
            self._times("failover", providers),
        )
        yield _counter(
            "hedges",
            "Attempts at this provider beside another that was late: it answered first, the other did, or it failed.",
            ("provider", "outcome"),
            {
                (*provider, outcome): times
                for outcome, kind in HEDGES.items()
                for provider, times in self._times(kind, providers).items()
            },
        )
        yield _counter(
            "cached_tokens",
            "Tokens of prompts that a provider read from its cache, as it told them.",
            ("provider", "model"),
            self._times("cached_tokens", self._models),
        )
        errors = self._totals.counted.get(Counted("store_error"), 0)
        yield _counter("store_errors", "Steps that the store of the counts failed to take.", (), {(): errors})

    def _times(self, kind: CountedKind, all_of: Iterable[tuple[str, ...]]) -> Mapping[tuple[str, ...], float]:
        """How often something was counted for each provider, or for each model of a provider."""
        times: dict[tuple[str, ...], float] = dict.fromkeys(all_of, 0)
        for counted, number in self._totals.counted.items():
            for whom in ((counted.provider,), (counted.provider, counted.model)):
                if counted.kind == kind and whom in times:
                    times[whom] += number
        return times

    def _statuses(self) -> Iterator[Metric]:
        yield _gauge(
            "provider_info",
            "1 for each provider of the configuration.",
            ("provider", "tier", "priority"),
            {(each["name"], each["tier"], f"{each['priority']:g}"): 1 for each in self._providers},
        )
        yield _gauge(
            "provider_status",
            "1 for the status that a provider has, 0 for those that it has not.",
            ("provider", "status"),
            {
                (each["name"], status): float(each["status"] == status)
                for each in self._providers
                for status in get_args(Status)
            },
        )
        yield _gauge(
            "disabled_keys",
            "Keys that a provider refused for good, until a person acts.",
            ("provider",),
            {(name,): number for name, number in self._disabled_keys.items()},
        )

    def _limits(self) -> Iterator[Metric]:
        labels = ("provider", "model", "window")
        limits = list(self._rows())
        for unit in _UNITS.values():
            theirs = {of: row for name, of, row in limits if _unit(name) == unit}
            for field, about in (("limit", "allowed in a window"), ("remaining", "left in a window and not reserved")):
                yield _gauge(
                    f"{field}_{unit}",
                    f"{unit.replace('_', ' ').capitalize()} {about}; without a model, of the account.",
                    labels,
                    {of: row[field] for of, row in theirs.items()},
                )
        yield _gauge(
            "limits_changed",
            "Limits that the provider reports otherwise than the file has them.",
            ("provider",),
            {(each["name"],): len(each["limits_changed"]) for each in self._providers},
        )
        yield _gauge(
            "window_reset_timestamp_seconds",
            "When nothing of what is used now counts any more; absent where nothing is used.",
            (*labels, "unit"),
            {(*of, _unit(name)): epoch(row["resets_at"]) for name, of, row in limits if row["resets_at"] is not None},
        )

    def _of_classes(self) -> Iterator[Metric]:
        """Of classes of agents; nothing where there are none. What is of today begins anew at midnight, UTC."""
        classes: list[dict[str, Any]] = self._document.get("classes", [])
        if not classes:
            return
        for field, about in (
            ("requests", "Requests of a class of agents today"),
            ("tokens", "Tokens of a class of agents today"),
            ("cost_usd", "US dollars of a class of agents today"),
            ("refused", "Requests of a class of agents today that nobody had room for, or none that it may use"),
        ):
            name = field.replace("cost_usd", "cost_dollars")
            values: dict[tuple[str, ...], float] = {(each["name"],): float(each[f"{field}_today"]) for each in classes}
            yield _gauge(f"class_{name}_today", f"{about}, since midnight UTC.", ("class",), values)
        rows = {
            (each["name"], provider["name"], model, name): row
            for each in classes
            for provider in each["providers"]
            for model, limits in _by_model(provider)
            for name, row in limits.items()
        }
        labels = ("class", "provider", "model", "limit")
        for field, about in (
            ("kept", "What of a limit is kept for a class of agents, and not used by it yet"),
            ("used", "What a class of agents used of a limit in its window"),
            ("share", "The most of a limit that a class of agents may use; absent where that is all"),
        ):
            values = {of: row[field] for of, row in rows.items() if row[field] is not None}
            yield _gauge(f"class_{field}", f"{about}; in requests, tokens or dollars, as the limit.", labels, values)

    def _forecast(self) -> Iterator[Metric]:
        labels, capacity = ("provider", "window"), self._document["capacity"]
        rooms: dict[tuple[str, str], dict[str, Any]] = {("", unit): each for unit, each in capacity["windows"].items()}
        for name, windows in capacity["providers"].items():
            rooms |= {(name, unit): each for unit, each in windows.items()}
        yield _gauge(
            "running_out",
            "Whether room is expected to end before its window does; without a provider, of all together.",
            labels,
            {of: float(each["running_out"]) for of, each in rooms.items()},
        )
        yield _gauge(
            "exhaustion_timestamp_seconds",
            "When room is expected to end; absent where it lasts. One of ten comes before the early edge.",
            (*labels, "edge"),
            {
                (*of, edge): epoch(each["exhausted"][share])
                for of, each in rooms.items()
                for edge, share in _EDGES.items()
                if each["exhausted"][share] is not None
            },
        )

    def _rows(self) -> Iterator[tuple[Any, tuple[str, str, str], dict[str, Any]]]:
        """Each limit: its name, whose it is, and its numbers."""
        for provider in self._providers:
            for model, limits in [("", provider["limits"]), *((m["name"], m["limits"]) for m in provider["models"])]:
                for name, row in limits.items():
                    yield name, (provider["name"], model, _window(name)), row

    def _whole_router(self) -> Iterator[Metric]:
        working = "degraded" not in self._document["state"]
        yield _gauge("store_up", "Whether the store of the counts works.", (), {(): float(working)})
        simulated = float(self._document["simulated"])
        yield _gauge("simulated", "Whether the providers are simulated, and nothing here is real.", (), {(): simulated})


def _counter(name: str, about: str, labels: Iterable[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    return _filled(CounterMetricFamily(PREFIX + name, about, labels=tuple(labels)), values)


def _gauge(name: str, about: str, labels: Iterable[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    return _filled(GaugeMetricFamily(PREFIX + name, about, labels=tuple(labels)), values)


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, values: Mapping[tuple[str, ...], float]
) -> CounterMetricFamily | GaugeMetricFamily:
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


def _by_model(provider: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The limits of an account, and of the models that have some of their own."""
    yield "", provider["limits"]
    yield from ((each["name"], each["limits"]) for each in provider["models"])
