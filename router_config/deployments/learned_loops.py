"""How long the tool loops of each agent were, as this process knows it and tells the others."""

from router_config.ledger.rules.loops import Agent, Expectation, Loop, Loops, both, expected


class LearnedLoops:
    """By agent and group, the last loops. untold: whether the store does not know them all yet."""

    def __init__(self) -> None:
        self.known: dict[Agent, tuple[Loop, ...]] = {}
        self.untold = False
        self._expected: dict[Agent, Expectation | None] = {}

    def ended(self, agent: Agent, loop: Loop) -> None:
        """A loop has ended."""
        self.untold = True
        self._set(both(self.known, {agent: (loop,)}))

    def expected(self, agent: Agent) -> Expectation | None:
        """What a loop that this agent begins may take; None where too little is known."""
        if agent not in self.known:
            return None
        if agent not in self._expected:
            self._expected[agent] = expected(self.known[agent])
        return self._expected[agent]

    def take(self, told: Loops) -> None:
        """Take over what the store says."""
        found = both(told, self.known)
        self.untold = found != told
        if found != self.known:
            self._set(found)

    def _set(self, known: dict[Agent, tuple[Loop, ...]]) -> None:
        self.known, self._expected = known, {}
