"""What the installed LiteLLM knows, read from its files: importing it takes seconds.

A name that is misspelt is found at its place in litellm.yaml, and one that is new in LiteLLM passes.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PROVIDERS = re.compile(r"^class LlmProviders\(.*\n((?:[ \t].*\n|\n)+)", re.MULTILINE)
_PROVIDER = re.compile(r"""^\s+\w+ = ["'](.+?)["']""", re.MULTILINE)
_CONSTRUCTOR = re.compile(r"^ *def \w+\((?=(?:\s|#.*)*self\b[^,]*,\s*model_list\b)", re.MULTILINE)


def text_of(file: str) -> str:
    """A file of LiteLLM's package, by its path in it; empty where there is none."""
    package = find_spec("litellm")
    if package is None or package.origin is None:
        return ""
    try:
        return (Path(package.origin).parent / file).read_text("utf-8")
    except OSError:
        return ""


@cache
def provider_names() -> frozenset[str]:
    """The prefixes of LiteLLM's providers. Empty where LiteLLM keeps them elsewhere: then nobody can tell."""
    found = _PROVIDERS.search(text_of("types/utils.py"))
    return frozenset(_PROVIDER.findall(found.group(1))) if found else frozenset()


@cache
def router_settings() -> frozenset[str]:
    """The parameters of litellm.Router but its model list. Empty where LiteLLM keeps them elsewhere."""
    source = text_of("router.py")
    for start in _CONSTRUCTOR.finditer(source):
        names = frozenset(_parameters(source[start.end() - 1 :]))
        if "num_retries" in names:
            return frozenset(name for name in names if not name.startswith("_")) - {"self", "model_list"}
    return frozenset()


def _parameters(source: str) -> Iterator[str]:
    """The names of a function's parameters; `source` begins at the parenthesis before them."""
    depth, begins = 0, False
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.string in ("(", "[", "{"):
            depth += 1
            begins = depth == 1
        elif token.string in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return
        elif depth == 1 and token.string == ",":
            begins = True
        elif begins and token.type == tokenize.NAME:
            begins = False
            yield token.string
