"""The single values of litellm.yaml that are no quantities: words, names, flags, timezones, keys."""

import re
from collections.abc import Callable
from typing import Any

from router_config.config.grammar.quantities import BadValue, shown
from router_config.config.grammar.rules import Scalar


def version(value: object) -> int:
    if value != 1 or isinstance(value, bool):
        raise BadValue(f"{shown(value)} is no version of this format", "Write `version: 1`.")
    return 1


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadValue(
            f"text is expected here, not {shown(value)}",
            "Write a text; put numbers and true or false in quotes.",
        )
    return value.strip()


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue(f"{shown(value)} is neither true nor false", "Write true or false, without quotes.")
    return value


def timezone(value: object) -> str:
    from zoneinfo import ZoneInfo

    if isinstance(value, str):
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, KeyError):
            pass
    raise BadValue(f"{shown(value)} is not a timezone", "Write an IANA name such as UTC or America/Los_Angeles.")


def positive(parse: Callable[[object], Any], example: str) -> Callable[[object], Any]:
    def parse_positive(value: object) -> Any:
        if (number := parse(value)) > 0:
            return number
        raise BadValue("0 is too little here", f"Write more than 0, such as {example}.")

    return parse_positive


def one_of(**meanings: str) -> Scalar:
    hint = "Write " + " or ".join(f"{word} ({meaning})" for word, meaning in meanings.items()) + "."

    def parse(value: object) -> str:
        if isinstance(value, str) and value in meanings:
            return value
        raise BadValue(f"{shown(value)} is not known here", hint)

    return Scalar(parse, {"enum": list(meanings)})


def name_of_a(pattern: str, noun: str, hint: str) -> Callable[[object], str]:
    expression = re.compile(pattern)
    article = "an" if noun[0] in "aeiou" else "a"

    def parse(value: object) -> str:
        if isinstance(value, str) and expression.fullmatch(value):
            return value
        raise BadValue(f"{shown(value)} is no name of {article} {noun}", hint)

    return parse


def key_text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise BadValue("this is neither a key nor a variable", "Write os.environ/NAME, and put the key itself into .env.")


provider_name = name_of_a(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "provider", "Use letters, digits, - and _, such as groq or my-server."
)
account_name = name_of_a(
    r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", "account", "Use letters, digits, - and _, such as my-account; no key."
)
model_name = name_of_a(
    r"[^\s#\x00-\x1f\x7f]{1,256}",
    "model",
    "Write it as the provider does, without spaces and #; numbers in quotes.",
)
group_name = name_of_a(
    r"[^\s*\x00-\x1f\x7f]{1,128}",
    "group",
    'Use a name without spaces, such as default; "*" stands under aliases only.',
)
