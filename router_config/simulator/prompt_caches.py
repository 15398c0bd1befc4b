"""Prompt caches as providers have them: what of a prompt the same key asked the same model not long before."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from router_config.simulator.messages import token_count

LASTS: Final = 300.0
"""Seconds for which a beginning of a prompt stays in the cache after it was used."""

KEPT: Final = 20_000

Place = tuple[str, str, str]
"""A provider, the label of a key, and a model."""


class PromptCaches:
    """Beginnings of prompts, message by message, with when each was used last."""

    def __init__(self) -> None:
        self._used: OrderedDict[tuple[Place, bytes], float] = OrderedDict()

    def read(self, place: Place, body: Mapping[str, Any], prompt_tokens: int, now: float) -> int:
        """The tokens of a prompt that are in the cache; from now on all of it is."""
        digest, cached, length, known = blake2b(digest_size=12), 0, 0, True
        for part in _parts(body):
            text = json.dumps(part, sort_keys=True)
            digest.update(text.encode())
            length += token_count(text)
            entry = place, digest.digest()
            known = known and self._used.get(entry, -LASTS) > now - LASTS
            cached = length if known else cached
            self._used[entry] = now
            self._used.move_to_end(entry)
        while len(self._used) > KEPT:
            self._used.popitem(last=False)
        return prompt_tokens * cached // length if length else 0


def _parts(body: Mapping[str, Any]) -> list[Any]:
    """What stands before the messages, and each of them."""
    before = [body.get(name) for name in ("tools", "system", "systemInstruction") if body.get(name)]
    messages = body.get("messages") or body.get("contents") or []
    return [*([before] if before else []), *(messages if isinstance(messages, list) else [])]
