"""What the limits allow: the requests that a router of perfect foresight would get served of the same load.

It knows each answer's length beforehand, reaches every provider in no time, and counts in exact rolling windows, as
the simulator's judge does. No router can do better without breaking a limit, but for the order in which prompts of
unlike length fill the tokens of a day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.load import Arrival
from router_config.simulator.quotas.calendars import DAY, MINUTE
from router_config.simulator.quotas.windows import RollingWindow


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a provider: limits that all its models share; None: no such limit."""

    provider: str
    rpm: int | None = None
    tpm: int | None = None
    tpd: int | None = None
    input_only: bool = False
    """whether its token limits count prompts alone"""


def allowed(
    load: Sequence[Arrival], accounts: Sequence[Account], answer_tokens: int, *, lag: float = 0.0
) -> dict[str, int]:
    """Requests admitted by provider when each arrival goes to the first of `accounts` with room in all windows.

    `lag`: seconds by which it learns too late that a request has left its minute, as where an answer took so long.
    """
    books = [_Book(account, lag) for account in accounts]
    admitted = dict.fromkeys((account.provider for account in accounts), 0)
    for arrival in load:
        for book in books:
            if book.take(arrival, answer_tokens):
                admitted[book.account.provider] += 1
                break
    return admitted


class _Book:
    def __init__(self, account: Account, lag: float) -> None:
        self.account = account
        minute = MINUTE + lag
        windows = ((account.rpm, minute, True), (account.tpm, minute, False), (account.tpd, DAY, False))
        self._windows = [
            (RollingWindow(limit, seconds), requests) for limit, seconds, requests in windows if limit is not None
        ]

    def take(self, arrival: Arrival, answer_tokens: int) -> bool:
        tokens = arrival.prompt_tokens + (0 if self.account.input_only else answer_tokens)
        needed = [(window, 1 if requests else tokens) for window, requests in self._windows]
        if any(window.wait(amount, arrival.at) > 0 for window, amount in needed):
            return False
        for window, amount in needed:
            window.take(amount, arrival.at)
        return True


def accounts_of(limits: Mapping[str, Mapping[str, int]], keys: int = 1) -> list[Account]:
    """The accounts of `limits` (`{"groq": {"rpm": 30}}`) in that order of priority, one for each of so many keys."""
    return [
        Account(provider, each.get("rpm"), each.get("tpm"), each.get("tpd"), input_only=provider == "gemini")
        for provider, each in limits.items()
        for _ in range(keys)
    ]
