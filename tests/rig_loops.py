"""Tool loops as agents run them: a question, then the model's calls and what the tools said, again and again."""

import asyncio
from typing import Any

from rig import message
from rig_abilities import TOOLS

from router_config import Router, route_of


def call_of_a_tool(number: int) -> list[Any]:
    """The model calls a tool, which answers."""
    name = f"call_{number}"
    function = {"name": "weather", "arguments": "{}"}
    return [
        {"role": "assistant", "content": None, "tool_calls": [{"id": name, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": name, "content": f"result {number}"},
    ]


def history(calls: int, text: str = "Buy or sell?") -> list[Any]:
    """The messages after so many calls of tools."""
    return [*message(text), *(part for number in range(calls) for part in call_of_a_tool(number))]


def ask(router: Router, calls: int, text: str = "Buy or sell?", **asked: Any) -> str:
    """Who answers a loop in which tools were called so often."""
    return asyncio.run(aask(router, calls, text, **asked))


async def aask(router: Router, calls: int, text: str = "Buy or sell?", **asked: Any) -> str:
    asked = {"max_tokens": 50, "tools": TOOLS, **asked}
    reply = await router.acompletion(model="default", messages=history(calls, text), **asked)
    if asked.get("stream"):
        async for _ in reply:
            pass
    return route_of(reply).provider
