"""What the demo prints: a line for each event, none for an ordinary answer."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

AGAIN: Final = 40.0
"""Seconds before the same event of a provider is printed again: at its limit a provider comes and goes."""


class EventLog:
    """Prints changes of the status and failures of attempts. say: called with each line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._before: dict[str, str] = {}
        self._printed_at: dict[tuple[str, str], float] = {}
        self._unavailable: set[str] = set()
        self._refused = False

    def status(self, document: Mapping[str, Any]) -> None:
        """Print what has changed since the document before."""
        answering = next(iter(document["next"].values()), None)
        for provider in document["providers"]:
            name, status = provider["name"], provider["status"]
            before = self._before.get(name, "available")
            self._before[name] = status
            if status != before:
                self._changed(name, before, provider, answering)

    def decision(self, decision: Mapping[str, Any]) -> None:
        """Print an answer that took more than one attempt, or a request that got none."""
        failed = [each for each in decision["attempts"] if each["outcome"] != "ok"]
        agent, answered = decision["agent"], decision["provider"]
        if failed and answered is not None:
            causes = ", ".join(f"{each['provider']} failed ({each['outcome'].replace('_', ' ')})" for each in failed)
            self._print(f"{causes}; the same request of {agent} was answered by {answered}")
        refused = decision["outcome"] == "refused"
        if refused and not self._refused:
            self._print(f"nobody can answer {agent} now: {decision['error']}")
        self._refused = refused

    def incident(self, provider: str, description: str) -> None:
        self._print(f"the simulator now plays an incident: {provider} {description}")

    def _changed(self, name: str, before: str, provider: Mapping[str, Any], answering: str | None) -> None:
        status, reason = provider["status"], provider["reason"]
        takes_over = f"; {answering} answers now" if answering and answering != name else ""
        if status in ("cooldown", "disabled"):
            self._unavailable.add(name)
            until = f" until {_clock(provider['available_at'])}" if provider["available_at"] else ""
            state = "in cooldown" if status == "cooldown" else "disabled"
            self._print(f"{name} is {state}{until}{takes_over}. {reason}")
        elif name in self._unavailable and status == "available":
            self._unavailable.discard(name)
            self._print(f"{name} is back")
        elif status == "rate_limited":
            if self._is_news(name, status):
                self._print(f"{name} has used up its minute ({reason}){takes_over}")
        elif status in ("exhausted", "soft_limited"):
            if self._is_news(name, status):
                self._print(f"{name} is near the end of its day ({reason}){takes_over}")
        elif status == "available" and before == "rate_limited" and self._is_news(name, status):
            self._print(f"{name} has room again")

    def _is_news(self, name: str, status: str) -> bool:
        now = time.monotonic()
        printed = self._printed_at.get((name, status))
        if printed is not None and now < printed + AGAIN:
            return False
        self._printed_at[name, status] = now
        return True

    def _print(self, line: str) -> None:
        self._say(f"{datetime.now():%H:%M:%S}  {line}")


def _clock(moment: str) -> str:
    """A UTC time as the clock on the wall shows it."""
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"
