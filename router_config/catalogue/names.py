"""Whether two names mean the same model: versions, tags and variants that a list does not spell out."""

import re
from typing import Final

from router_config.catalogue.listing import ListedModel, Listing

_VERSION: Final = r"(?:[-@:](?:latest|\d{3,4}|\d{6}|\d{8}|\d{2}-\d{2}|\d{2}-\d{4}|\d{4}-\d{2}-\d{2}))"
_LATEST: Final = re.compile(r"[-@:]latest$")
_VARIANT: Final = re.compile(r":[a-z][a-z0-9._-]*$")
_STATIC: Final = (":free", ":extended", ":thinking", ":latest")
"""Variants that OpenRouter lists by their own names; others choose among who serves a model, and are not listed."""


def find(listing: Listing, name: str) -> ListedModel | None:
    """The model of a list that requests for `name` would reach; None where it is not listed.

    A list names versions where a file may name the model (`claude-sonnet-5` for `claude-sonnet-5-20260801`), and a
    file may leave out by whom a model is made (`gpt-oss-20b` for `openai/gpt-oss-20b`) or add who shall serve it.
    """
    for each in _spellings(name.casefold()):
        if (found := listing.named(each)) is not None:
            return found
        version = re.compile(re.escape(_LATEST.sub("", each)) + _VERSION)
        ending = f"/{each}" if "/" not in each else None
        for listed in listing.names():
            if version.fullmatch(listed) or (ending is not None and listed.endswith(ending)):
                return listing.named(listed)
    return None


def _spellings(name: str) -> list[str]:
    name = name.removeprefix("responses/")  # as LiteLLM has it for models that it shall ask by Responses
    found = [name]
    if not name.endswith(_STATIC) and (variant := _VARIANT.search(name)) is not None and "/" in name:
        found.append(name[: variant.start()])
    if name.count("/") == 2:  # LiteLLM's `huggingface/together/openai/gpt-oss-20b`
        found.append(name.partition("/")[2])
    return found
