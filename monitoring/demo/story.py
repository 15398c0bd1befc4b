"""What the demo tells at the terminal: a line for each event worth seeing, none for an ordinary answer."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

AGAIN: Final = 40.0
"""Seconds for which the same event of the same provider is not told again: at its limit a provider comes and goes."""


class Story:
    """Tells changes of the status and failures of attempts. `say` gets each line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._before: dict[str, str] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._unavailable: set[str] = set()
        self._refused = False

    def status(self, document: Mapping[str, Any]) -> None:
        """Compare with the status before."""
        answering = next(iter(document["next"].values()), None)
        for provider in document["providers"]:
            name, status = provider["name"], provider["status"]
            before = self._before.get(name, "available")
            self._before[name] = status
            if status != before:
                self._changed(name, before, provider, answering)

    def decision(self, decision: Mapping[str, Any]) -> None:
        """An answer that took more than one attempt, or none at all."""
        failed = [each for each in decision["attempts"] if each["outcome"] != "ok"]
        agent, answered = decision["agent"], decision["provider"]
        if failed and answered is not None:
            causes = ", ".join(f"{each['provider']} failed ({each['outcome'].replace('_', ' ')})" for each in failed)
            self._tell(f"{causes}; the same request of {agent} was answered by {answered}")
        refused = decision["outcome"] == "refused"
        if refused and not self._refused:
            self._tell(f"nobody can answer {agent} now: {decision['error']}")
        self._refused = refused

    def incident(self, provider: str, told: str) -> None:
        self._tell(f"the simulator now plays an incident: {provider} {told}")

    def _changed(self, name: str, before: str, provider: Mapping[str, Any], answering: str | None) -> None:
        status, reason = provider["status"], provider["reason"]
        takes_over = f"; {answering} answers now" if answering and answering != name else ""
        if status in ("cooldown", "disabled"):
            self._unavailable.add(name)
            until = f" until {_clock(provider['available_at'])}" if provider["available_at"] else ""
            state = "in cooldown" if status == "cooldown" else "disabled"
            self._tell(f"{name} is {state}{until}{takes_over}. {reason}")
        elif name in self._unavailable and status == "available":
            self._unavailable.discard(name)
            self._tell(f"{name} is back")
        elif status == "rate_limited":
            if self._is_news(name, status):
                self._tell(f"{name} has used up its minute ({reason}){takes_over}")
        elif status in ("exhausted", "soft_limited"):
            if self._is_news(name, status):
                self._tell(f"{name} is near the end of its day ({reason}){takes_over}")
        elif status == "available" and before == "rate_limited" and self._is_news(name, status):
            self._tell(f"{name} has room again")

    def _is_news(self, name: str, status: str) -> bool:
        now = time.monotonic()
        told = self._told.get((name, status))
        if told is not None and now < told + AGAIN:
            return False
        self._told[name, status] = now
        return True

    def _tell(self, line: str) -> None:
        self._say(f"{datetime.now():%H:%M:%S}  {line}")


def _clock(moment: str) -> str:
    """A UTC time as the clock on the wall shows it."""
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"
