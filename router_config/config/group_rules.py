"""What a group is to do besides asking its deployments in order, as `groups:` of the file says."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

Prefer = Literal["room", "fastest"]


@dataclass(frozen=True, slots=True)
class After:
    """When an answer is late: after so many seconds, or after the time within which such a part of them came."""

    quantile: float | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.seconds:g}s" if self.quantile is None else f"p{self.quantile * 100:.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """A second provider is asked where the first is late.

    at_most: the share of the requests, from 0 to 1. paid: whether one that costs money is asked beside one that is
    free.
    """

    after: After = After(quantile=0.95)
    at_most: float = 0.05
    paid: bool = False

    def __str__(self) -> str:
        return f"{self.after}, at most {self.at_most * 100:g}%" + (", also paid" if self.paid else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRules:
    """Rules of one group; without any it is asked as ever.

    prefer: which of those of equal priority is asked first: the one with the most room left, by chance, or the one that
    is expected to answer soonest. first_token_timeout: seconds after which a stream that has shown nothing is given up
    for the next candidate. hedge: when a second provider is asked beside one that is late; None: never.
    sticky: seconds for which a tool loop stays with its model after each answer, 0 for not at all; None: as elsewhere.
    """

    prefer: Prefer = "room"
    hedge: Hedge | None = None
    first_token_timeout: float | None = None
    sticky: float | None = None

    @property
    def measures(self) -> bool:
        """Whether it must be known how fast the models are."""
        return self.prefer == "fastest" or self.hedge is not None

    def given(self) -> dict[str, object]:
        """What is not as ever, by name."""
        values = ((each.name, getattr(self, each.name), each.default) for each in fields(self))
        return {name: value for name, value, default in values if value != default}


def sticky_in(rules: Mapping[str, GroupRules], group: str, usual: float) -> float:
    """Seconds for which a tool loop of a group stays with its model after each answer. usual: what `defaults` say."""
    own = rules.get(group)
    return usual if own is None or own.sticky is None else own.sticky
