"""Decisions and history while the store fails: shown as far as known, and none is lost."""

import pytest
from rig_ledger import START, Place, run
from rig_redis import RedisServer

from router_config.ledger.outage.failover import LOOK_EVERY
from router_config.ledger.outage.store import ResilientStore
from router_config.ledger.redis.store import RedisStore
from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Outcome, Settlement, Usage

GROQ = Place("groq")
MINUTE = int(START // 60)


class Process:
    """A process, its store, and one request of its."""

    def __init__(self, server: RedisServer) -> None:
        self.seconds = 0.0
        self.store = ResilientStore(RedisStore(server.url), monotonic=lambda: self.seconds)

    async def request(self, agent: str, cooldown: Cooldown | None = None) -> None:
        _, lease = await self.store.reserve([GROQ], Need(100, 10), START, 600.0)
        assert lease
        decision = Decision(START, agent, "default", "groq", "llama", "ok", (), (), 50, 0.1)
        outcome = Outcome("groq", "llama", 0.1, None if cooldown is None else "timeout")
        cooldowns = () if cooldown is None else (cooldown,)
        settlement = Settlement(Amount(1, 50), START, START, None, cooldowns, (), outcome, decision=decision)
        await self.store.settle(lease, settlement, START)

    async def refuse(self, agent: str) -> None:
        await self.store.record(Decision(START, agent, "default", None, None, "refused", (), (), None, 0.0), START)

    async def told(self, after: int = 0) -> list[tuple[int, str | None]]:
        return [(each.number, each.agent) for each in await self.store.decisions(after)]

    async def look(self) -> None:
        self.seconds += LOOK_EVERY
        await self.store.rooms([GROQ], Need(100, 10), START)
        looking = self.store._failover.looking
        assert looking
        await looking


@pytest.mark.parametrize("read_before", [True, False])
def test_decisions_go_on_with_the_next_number_and_reach_the_store_later(
    own_redis: RedisServer, read_before: bool
) -> None:
    async def story() -> None:
        ours, other = Process(own_redis), Process(own_redis)
        await ours.request("one")
        await ours.request("two")
        await ours.look()
        if read_before:
            assert await ours.told() == [(2, "two"), (1, "one")]
        own_redis.freeze()
        await ours.request("three")
        await ours.refuse("four")
        assert ours.store.degraded
        if read_before:
            assert await ours.told() == [(4, "four"), (3, "three"), (2, "two"), (1, "one")]
            assert await ours.told(after=2) == [(4, "four"), (3, "three")]
        else:
            assert [agent for _, agent in await ours.told()] == ["four", "three"]
        own_redis.thaw()
        await ours.look()
        assert ours.store.degraded is None
        assert await other.told() == [(4, "four"), (3, "three"), (2, "two"), (1, "one")]
        for each in (ours, other):
            await each.store.aclose()

    run(story())


def test_the_history_last_read_is_shown_with_what_this_process_adds(own_redis: RedisServer) -> None:
    async def story() -> None:
        ours = Process(own_redis)
        await ours.request("one")
        await ours.look()
        assert (await ours.store.history(60, START, START)).slots == {"groq": {MINUTE: Usage(1, 50, 0.0, 0)}}
        own_redis.freeze()
        await ours.request("two", Cooldown("provider:groq", "cooldown", "timed out", START, START + 300, probes=True))
        history = await ours.store.history(60, START, START)
        assert history.slots == {"groq": {MINUTE: Usage(2, 100, 0.0, 1)}}
        assert [each.kind for each in history.events] == ["cooldown"]
        own_redis.thaw()
        await ours.look()
        after = await ours.store.history(60, START, START)
        assert after.slots == {"groq": {MINUTE: Usage(2, 100, 0.0, 1)}}
        assert [each.kind for each in after.events] == ["cooldown"]
        await ours.store.aclose()

    run(story())
