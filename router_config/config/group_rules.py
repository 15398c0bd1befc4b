"""What a group is to do besides asking its deployments in order, as `groups:` of the file says."""

from dataclasses import dataclass, fields
from typing import Literal

Prefer = Literal["room", "fastest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRules:
    """Rules of one group; without any it is asked as ever.

    prefer: which of those of equal priority is asked first: the one with the most room left, by chance, or the one that
    is expected to answer soonest. first_token_timeout: seconds after which a stream that has shown nothing is given up
    for the next candidate.
    sticky: seconds for which a tool loop stays with its model after each answer, 0 for not at all; None: as elsewhere.
    """

    prefer: Prefer = "room"
    first_token_timeout: float | None = None
    sticky: float | None = None

    @property
    def measures(self) -> bool:
        """Whether it must be known how fast the models are."""
        return self.prefer == "fastest"

    def given(self) -> dict[str, object]:
        """What is not as ever, by name."""
        values = ((each.name, getattr(self, each.name), each.default) for each in fields(self))
        return {name: value for name, value, default in values if value != default}
