"""Many agents ask at once: who answered, and what to do when nobody can.

python examples/many_agents.py        40 questions: the first provider's minute is full after 30, others go on
python examples/many_agents.py 300    more than the simulated providers take in a minute, all together
"""

import asyncio
import sys
from collections import Counter

from example_router import example_router

from router_config import NoProviderAvailable, Router, route_of
from router_config.adapters import BaseAgent


class Researcher(BaseAgent):
    system_prompt = "You collect facts and name your sources."


async def question(router: Router, number: int) -> str:
    messages = [{"role": "user", "content": f"Question {number}: what moved the market today?"}]
    try:
        reply = await Researcher(router=router).achat(messages, max_tokens=50)
    except NoProviderAvailable as error:  # `error.verdicts` says for each provider why, and until when
        wait = "for ever" if error.retry_after is None else f"about {error.retry_after:.0f} s"
        return f"nobody (wait {wait})"
    return route_of(reply).provider


async def main(questions: int) -> None:
    with example_router() as router:
        answered = Counter(await asyncio.gather(*(question(router, number) for number in range(questions))))
    for provider, number in answered.most_common():
        print(f"{number:4} answered by {provider}")


if __name__ == "__main__":
    asyncio.run(main(next((int(each) for each in sys.argv[1:] if each.isdigit()), 40)))
