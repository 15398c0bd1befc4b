"""The last answers of the demo: who asked, who was tried, who answered."""

from collections import deque
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

REMEMBERED: Final = 100


class Try(BaseModel):
    """One attempt. `outcome` is ok, or the kind of failure."""

    provider: str
    model: str
    outcome: str
    seconds: float


class Decision(BaseModel):
    """One request of an agent. Without a provider nobody could serve it, and `error` says why."""

    number: int
    at: str
    agent: str
    group: str
    provider: str | None
    model: str | None
    attempts: list[Try]
    seconds: float
    tokens: int | None
    error: str | None


class Decisions:
    """The last REMEMBERED decisions, newest first."""

    def __init__(self) -> None:
        self._kept: deque[Decision] = deque(maxlen=REMEMBERED)
        self._count = 0

    def next_number(self) -> int:
        self._count += 1
        return self._count

    def add(self, decision: Decision) -> None:
        self._kept.appendleft(decision)

    def newest(self, last: int) -> list[Decision]:
        return [decision for decision, _ in zip(self._kept, range(last), strict=False)]


class DecisionList(BaseModel):
    simulated: bool = True
    count: int
    decisions: list[Decision]


def router_for_decisions(decisions: Decisions) -> APIRouter:
    """GET /api/demo/decisions."""
    router = APIRouter(tags=["demo"])

    @router.get("/api/demo/decisions")
    async def newest(last: int = 20) -> DecisionList:
        """The last answers, newest first."""
        kept = decisions.newest(max(0, last))
        return DecisionList(count=kept[0].number if kept else 0, decisions=kept)

    return router
