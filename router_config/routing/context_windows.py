"""Models that a chat cannot fit: its prompt is longer than the context window, or `max_tokens` than any answer."""

from collections.abc import Mapping
from math import inf
from typing import Any, Final, NamedTuple

import litellm

from router_config.deployments.catalog import Group
from router_config.ledger.rules.gates import PROMPT_FACTOR
from router_config.routing.request import Request


class Window(NamedTuple):
    """Tokens that a prompt and an answer may have at most. told: by `model_info`, and not by LiteLLM's list alone."""

    prompt: float
    answer: float
    told: bool


class _Known(NamedTuple):
    """The windows of a group by deployment, and the smallest of them."""

    entries: Mapping[str, Any]
    windows: Mapping[str, Window]
    prompt: float
    answer: float


KEPT: Final = 256
"""Groups; patterns make groups of any number of names."""


class ContextWindows:
    """What is known of the models of each group. What is not known may be of any size."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def unfit(self, request: Request) -> Mapping[str, str]:
        """By deployment, why it is not asked: it would refuse, and might count that.

        LiteLLM's list may be wrong: where it alone excludes what else is left, nobody is excluded by it.
        """
        asked = request.asked
        if asked.get("messages") is None:
            return {}
        prompt = request.need.prompt_tokens / PROMPT_FACTOR
        answer = asked.get("max_completion_tokens") or asked.get("max_tokens") or 0
        answer = answer if isinstance(answer, int) else 0
        known = self._of(request.group)
        if prompt <= known.prompt and answer <= known.answer:
            return {}
        unfit = {name: each for name, each in known.windows.items() if prompt > each.prompt or answer > each.answer}
        if len(unfit) == len(known.entries):
            unfit = {name: each for name, each in unfit.items() if each.told}
        return {name: _reason(each, prompt, answer) for name, each in unfit.items()}

    def _of(self, group: Group) -> _Known:
        known = self._known.get(group.name)
        if known is None or known.entries is not group.entries:
            windows = {name: found for name, entry in group.entries.items() if (found := _window(entry)) is not None}
            smallest = [min((each[place] for each in windows.values()), default=inf) for place in (0, 1)]
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[group.name] = _Known(group.entries, windows, *smallest)
        return known


def _window(entry: Mapping[str, Any]) -> Window | None:
    params, info = entry["litellm_params"], entry["model_info"]
    listed = _listed(str(params.get("model")))
    names = ("max_input_tokens", "max_output_tokens")
    prompt, answer = (_size(info.get(name)) or _size(listed.get(name)) or inf for name in names)
    told = any(_size(info.get(name)) for name in names)
    return None if prompt == answer == inf else Window(prompt, answer, told)


def _listed(model: str) -> Mapping[str, Any]:
    """The model in LiteLLM's list, where it stands with or without its provider's prefix."""
    found = litellm.model_cost.get(model)
    if found is None:
        prefix, _, rest = model.partition("/")
        found = litellm.model_cost.get(rest) or {}
        if found.get("litellm_provider") != prefix:
            return {}
    return found


def _size(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0


def _reason(window: Window, prompt: float, answer: float) -> str:
    if answer > window.answer:
        return f"max_tokens: {answer:g} asked, the model answers {window.answer:g} at most"
    return f"prompt: at least {prompt:.0f} tokens, the model takes {window.prompt:g} at most"
