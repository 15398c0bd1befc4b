"""An answer piece by piece, and one that is broken off: it counts as much as was reserved for it.

python examples/streaming.py
"""

import asyncio

from example_router import example_router

from router_config.adapters import BaseAgent


class Narrator(BaseAgent):
    system_prompt = "You tell short stories."


async def main() -> None:
    with example_router(chunk_delay_ms=40) as router:
        narrator = Narrator(router=router)
        async for piece in narrator.astream("A story of a router, in three sentences."):
            print(piece, end="", flush=True)
        print("\n-- and another one, of which the beginning is enough:")
        story = narrator.astream("A long story, please.")
        async for piece in story:
            print(piece)
            break
        await story.aclose()
        print("tokens today:", sum(each["usage_today"]["tokens"] for each in (await router.astatus())["providers"]))


if __name__ == "__main__":
    asyncio.run(main())
