"""The agents of the demo: each asks, reads the answer, thinks, and asks again."""

from itertools import cycle
from typing import Final

from router_config import Router
from router_config.adapters import BaseAgent


class DemoAgent(BaseAgent):
    """An agent with a name, and the questions that come up in its work."""

    questions: tuple[str, ...] = ()

    def __init__(self, name: str, router: Router) -> None:
        super().__init__(router=router)
        self.name = name
        self.next_question = cycle(self.questions).__next__


class Trader(DemoAgent):
    system_prompt = "You are a careful trader. Answer in one sentence."
    questions = ("Buy, hold or sell at 104.20?", "The volume doubled. Does that change anything?", "Where is the stop?")


class Researcher(DemoAgent):
    system_prompt = "You collect facts and name your sources."
    questions = (
        "What moved the market today?",
        "Summarise the last three filings.",
        "Which claim needs a second source?",
    )


class Reviewer(DemoAgent):
    system_prompt = "You review code and are kind about it."
    questions = ("Is this loop ever left?", "Name the riskiest line of the change.", "Which test is missing?")


class Support(DemoAgent):
    system_prompt = "You answer the customers of a small shop."
    questions = ("Where is my parcel?", "Can I return it after 30 days?", "The invoice shows the wrong name.")


KINDS: Final = (Trader, Researcher, Reviewer, Support)


def agents(count: int, router: Router) -> tuple[DemoAgent, ...]:
    """So many agents; with more than there are kinds, the same again with a number."""
    made: list[DemoAgent] = []
    for number in range(count):
        again, place = divmod(number, len(KINDS))
        kind = KINDS[place]
        name = kind.__name__.lower()
        made.append(kind(f"{name} {again + 1}" if again else name, router))
    return tuple(made)
