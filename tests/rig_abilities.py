"""Providers of the simulator that refuse what a model cannot do, in words of one's choice."""

import asyncio
from collections.abc import Mapping
from typing import Any

from rig import message

from router_config import Router, route_of
from router_config.simulator import Simulator

TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
]
IMAGE: list[Any] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        ],
    }
]

TELLING: Mapping[str, str] = {
    "tools": '"tools"', "json_schema": '"json_schema"', "json_object": '"json_object"', "images": '"image_url"',
    "audio": '"input_audio"', "logprobs": '"logprobs"', "reasoning": '"reasoning_effort"', "n": '"n"',
}  # fmt: skip
"""What stands in the JSON of a request that needs an ability."""


def refuses(simulator: Simulator, provider: str, ability: str, words: str, *, status: int = 400) -> None:
    """Have a provider refuse every request that needs an ability, with a body of these words."""
    body = {"error": {"message": words, "type": "invalid_request_error"}}
    simulator.fault(provider, status=status, body=body, text=TELLING[ability])


def ask(router: Router, messages: list[Any] | None = None, **asked: Any) -> str:
    """Who answers."""
    asked = {"max_tokens": 50, **asked}
    reply = asyncio.run(router.acompletion(model="default", messages=messages or message(), **asked))
    return route_of(reply).provider
