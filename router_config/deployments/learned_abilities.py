"""What models were seen to refuse for want of an ability, as this process knows it and tells the others."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Final

from router_config.ledger.rules.abilities import CLAIM_HOLDS, Lack, Place, both

NONE: Final[Mapping[str, Lack]] = {}


class LearnedAbilities:
    """By model at an address, what it lacks.

    changes: how often that has become another. untold: whether the store does not know it yet.
    """

    def __init__(self) -> None:
        self.known: dict[Place, Lack] = {}
        self.changes = 0
        self.untold = False
        self._by_model: dict[str, dict[str, Lack]] = {}

    def lacks(self, model: str) -> Mapping[str, Lack]:
        """By ability, what a model lacks; not to be changed."""
        return self._by_model.get(model, NONE)

    def refused(self, model: str, ability: str, now: float, size: int | None = None, tokens: int = 0) -> None:
        """A model refused a request for want of an ability. size: the most tokens that it takes, where it said so.

        tokens: by our estimate, those that were too many.
        """
        before = self.lacks(model).get(ability)
        if before is None:
            lack = Lack(now, now, True, size, tokens)
        else:
            fewest = min(tokens, before.refused) if before.refused else tokens
            lack = Lack(before.since, now, True, size or before.size, fewest)
        self._note({(model, ability): lack})

    def answered(self, model: str, ability: str, now: float) -> None:
        """A model has answered a request that needs an ability which it was without."""
        if (before := self.lacks(model).get(ability)) is not None:
            self._note({(model, ability): Lack(before.since, now, False)})

    def claim(self, model: str, ability: str, now: float) -> str | None:
        """Be the one that asks again. The name of the claim; None where another request has one."""
        before = self.lacks(model).get(ability)
        if before is None or before.claimed <= now < before.claimed + CLAIM_HOLDS:
            return None
        by = token_hex(6)
        self._note({(model, ability): before._replace(claimed=now, by=by)})
        return by

    def take(self, told: Mapping[Place, Lack]) -> None:
        """Take over what the store says."""
        known, self.untold = self.known, False
        found = both(told, known)
        if found != told:
            self.untold = True
        if found != known:
            self._set(found)

    def _note(self, lacks: Mapping[Place, Lack]) -> None:
        self.untold = True
        self._set({**self.known, **lacks})

    def _set(self, known: dict[Place, Lack]) -> None:
        self.known = both(known, {})
        self.changes += 1
        self._by_model = {}
        for (model, ability), lack in self.known.items():
            if lack.lacks:
                self._by_model.setdefault(model, {})[ability] = lack
