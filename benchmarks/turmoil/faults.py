"""What is thrown at the providers: every fault once in a while, dealt out from one seed."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

TIGHT: Final = ("groq", "gemini")
"""Asked first, with limits that are always full."""

LOOSE: Final = ("openrouter", "together", "openai")
"""They share the rest, with limits that are never full: one of them is always free of faults."""

ODDITY: Final = "an unusual request"
POISON: Final = "a poisoned request"

Effect = Literal["fails", "serves"]

DISABLED: Final = (300.0, 900.0, 3600.0, 21_600.0, 86_400.0)
NO_CREDIT: Final = (300.0, 300.0, 1800.0, 21_600.0)
NO_QUOTA: Final = (60.0, 300.0, 1800.0, 21_600.0)
"""Seconds after which a provider that refused is asked again: after one refusal, after two in a row, and so on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for the simulator. `serves`: the provider goes on serving with it. `text`: only requests with it.

    pauses: seconds until it is asked again, after so many refusals in a row; none: the configured cooldown.
    """

    name: str
    what: Mapping[str, Any]
    effect: Effect = "fails"
    providers: tuple[str, ...] = TIGHT + LOOSE
    pauses: tuple[float, ...] = ()

    @property
    def text(self) -> str | None:
        return self.what.get("text")


@dataclass(slots=True)
class Episode:
    """A fault at a provider (`*`: at all). Times in epoch seconds once it has begun, and ended."""

    fault: Fault
    provider: str
    after: float
    """seconds from the beginning of its round"""
    lasts: float
    began: float = 0.0
    ended: float = float("inf")
    number: int = field(default=-1)
    """the simulator's number of it"""


def catalog(trap: str) -> list[Fault]:
    """Every fault. `trap`: an address of another host, where nobody may be sent to."""
    return [*_refusals(), *_failures(), *_false_answers(), *_streams(), *_harmless(), *_usage(), *_transfers(trap)]


def poisons() -> list[Fault]:
    """What all providers make of one request, while they serve every other."""
    ends: list[tuple[str, dict[str, Any]]] = [(f"{status}", {"status": status}) for status in (500, 502, 503, 504)]
    ends += [("reset", {"reset": True}), ("cut", {"cut": 1}), ("hangs", {"timeout": True})]
    return [Fault(f"poison: {name}", {**what, "text": POISON}) for name, what in ends]


def oddities() -> list[Fault]:
    """Refusals of one request by one provider, where the next would answer."""
    messages = (
        "'messages.0' : for 'role:user' the following must be satisfied[('messages.0.content' : "
        "value must be a string)]",
        "This model does not support response format `json_schema`.",
        "'tools' : maximum number of items is 128",
        "Invalid JSON payload received. Unknown name \"additionalProperties\" at 'tools[0]': Cannot find field.",
        "image input is not supported by this model",
        "property 'reasoning_content' is unsupported",
    )
    bodies = [{"error": {"message": each, "type": "invalid_request_error"}} for each in messages]
    found = [Fault(f"400: {body['error']['message'][:30]}", _odd(400, body)) for body in bodies]
    forbidden = {"error": {"message": "This file may not be used by this account.", "type": "permission_error"}}
    return [*found, Fault("403: about one file", _odd(403, forbidden)), Fault("422", _odd(422, bodies[0]))]


def _odd(status: int, body: Any) -> dict[str, Any]:
    return {"status": status, "body": body, "text": ODDITY}


def _refusals() -> list[Fault]:
    plain = [
        Fault(f"{status}", {"status": status}, pauses=NO_CREDIT if status == 402 else DISABLED)
        for status in (401, 402, 403, 404, 405, 410, 451)
    ]
    bodies: list[tuple[str, int, Any, tuple[str, ...]]] = [
        ("404 page not found", 404, "404 page not found", TIGHT + LOOSE),
        ('404 {"detail":"Not Found"}', 404, {"detail": "Not Found"}, TIGHT + LOOSE),
        ("404 no endpoints found", 404, {"error": {"message": "No endpoints found", "code": 404}}, ("openrouter",)),
        (
            "400 API key expired",
            400,
            {
                "error": {
                    "code": 400,
                    "message": "API key expired. Please renew the API key.",
                    "status": "INVALID_ARGUMENT",
                }
            },
            ("gemini",),
        ),
        ("429 weekly", 429, {"error": {"message": "You have reached your weekly usage limit."}}, TIGHT + LOOSE),
        ("429 of no window", 429, {"error": {"message": "Too many requests"}}, TIGHT + LOOSE),
    ]
    return [
        *plain,
        *(
            Fault(name, {"status": status, "body": body}, "fails", at, NO_QUOTA if status == 429 else DISABLED)
            for name, status, body, at in bodies
        ),
    ]


def _failures() -> list[Fault]:
    html = {"body": "<html><body>Bad gateway</body></html>", "headers": {"content-type": "text/html"}}
    return [
        *(Fault(f"{status}", {"status": status}) for status in (500, 503, 504, 529)),
        Fault("502 HTML", {"status": 502, **html}),
        Fault("nobody listens", {"refused": True}),
        Fault("reset", {"reset": True}),
        Fault("hangs", {"timeout": True}),
        Fault("slow headers", {"latency_ms": 1500}, "serves"),
        Fault("broken JSON", {"malformed": True}),
        Fault("error in a 200", {"error_body": True}),
    ]


def _false_answers() -> list[Fault]:
    texts = {
        "{}": "{}",
        "no choices": '{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[]}',
        "choices null": '{"id":"1","object":"chat.completion","created":1,"model":"m","choices":null}',
        "no body": "",
        "blank": "  \n",
        "null": "null",
        "HTML": "<html><body>Welcome</body></html>",
    }
    malformed = '{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL","index":0}]}'
    return [
        *(Fault(f"200 {name}", {"parts": [text], "stream": False}) for name, text in texts.items()),
        Fault("200 with an empty content", {"answer": "", "stream": False}),
        Fault("200 MALFORMED_FUNCTION_CALL", {"parts": [malformed], "stream": False}, "fails", ("gemini",)),
    ]


def _streams() -> list[Fault]:
    def stream(name: str, *parts: Any, effect: Effect = "fails") -> Fault:
        return Fault(f"stream: {name}", {"stream": True, "parts": list(parts)}, effect)

    ping = {"text": ": ping\n\n", "repeat": 60, "every_ms": 100}
    long = {"text": ": " + "x" * 98 + "\n\n", "repeat": 40_000}
    return [
        Fault("stream: cut at once", {"stream": True, "cut": 0}),
        Fault("stream: cut midway", {"stream": True, "cut": 3}),
        Fault("stream: an error event", {"stream": True, "error_event": 2}),
        stream("no end", {"events": [0, 3]}),
        stream("nothing at all"),
        stream("an event is cut", {"events": [0, 2]}, {"events": [2, 3], "first": 40}),
        stream("broken JSON in an event", {"events": [0, 2]}, "data: {broken\n\n", {"events": [3, None]}),
        stream("only pings", ping),
        stream("only pings after the first event", {"events": [0, 2]}, ping),
        stream("CRLF", {"replace": {"\r\n": "\n", "\n": "\r\n"}}, effect="serves"),
        stream("retry: 3000", "retry: 3000\n\n", {"events": [0, None]}, effect="serves"),
        stream(
            "comments between",
            ": hello\n\n",
            {"events": [0, 2]},
            "\n\n: there\n\n",
            {"events": [2, None]},
            effect="serves",
        ),
        stream("4 MB of comments", {"events": [0, 2]}, long, {"events": [2, None]}, effect="serves"),
        stream("bytes one by one", {"write": 7, "every_ms": 0.1}, effect="serves"),
    ]


def _harmless() -> list[Fault]:
    return [
        Fault("64 kB of headers", {"headers": {f"x-long-{n}": 7500 for n in range(8)}}, "serves"),
        Fault("slow body", {"stream": False, "parts": [{"write": 200, "every_ms": 60}]}, "serves"),
        Fault("pooled connections are closed", {"closed": True, "reused": True, "times": 3}, "serves"),
        Fault("403 at embeddings", {"status": 403, "kind": "embedding"}, "serves"),
        Fault("404 at embeddings", {"status": 404, "kind": "embedding"}, "serves"),
    ]


def _usage() -> list[Fault]:
    said: dict[str, Any] = {
        "none": False,
        "0": 0,
        "negative": -5,
        "NaN": float("nan"),
        "1e12": 1e12,
        "2^63": 2**63,
        "10^400": 10**400,
        "a word": "many",
        "nested": {"prompt_tokens": {"a": 1}, "promptTokenCount": [1]},
        "no total": {"total_tokens": None, "totalTokenCount": None},
        "a negative cost": {"cost": -1.0},
    }
    return [Fault(f"usage: {name}", {"usage": usage}, "serves") for name, usage in said.items()]


def _transfers(trap: str) -> list[Fault]:
    return [
        Fault("redirect to another host", {"status": 307, "headers": {"location": trap}}),
        Fault("redirect without an address", {"status": 302}),
        Fault("gzip bomb of 100 MB", {"gzip_mb": 100, "times": 2}),
    ]


class Deal:
    """Rounds of episodes from a seed: every fault is dealt before any comes again.

    names: only faults whose name holds one of these; none: all. without: not those. In each round one of LOOSE has no
    fault, and had none in the round before.
    """

    def __init__(self, seed: int, trap: str, names: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> None:
        self._chance = random.Random(seed)
        self._all = [one for one in catalog(trap) if not names or any(name in one.name for name in names)]
        self._all = [one for one in self._all if not any(name in one.name for name in without)]
        self._poisons, self._oddities = poisons(), oddities()
        self._deck: list[Fault] = []
        self._alone = bool(names)

    def rounds(self, seconds: float) -> Iterator[list[Episode]]:
        """What happens in each round of so many seconds, for ever."""
        number = 0
        while True:
            free = {LOOSE[number // 2 % 3], LOOSE[(number + 1) // 2 % 3]}
            episodes: list[Episode] = []
            for _ in range(self._chance.randint(3, 4)):
                episodes += self._dealt(free | {one.provider for one in episodes}, seconds)
            yield [*episodes, *([] if self._alone else self._besides(seconds, number))]
            number += 1

    def _dealt(self, taken: set[str], seconds: float) -> list[Episode]:
        """The next fault of the deck that has a place, at one of its providers that are not taken."""
        if not self._deck:
            self._deck = self._chance.sample(self._all, len(self._all))
        for place, fault in enumerate(self._deck):
            # Twice, for most requests go to these.
            places = [each for each in (*TIGHT, *LOOSE, *LOOSE) if each in fault.providers and each not in taken]
            if places:
                del self._deck[place]
                return [self._episode(fault, self._chance.choice(places), seconds)]
        return []

    def _besides(self, seconds: float, number: int) -> list[Episode]:
        """A poison everywhere, an oddity at two providers; and in every eighth round nobody listens at all."""
        odd = self._chance.choice(self._oddities)
        found = [Episode(self._chance.choice(self._poisons), "*", 0.0, seconds * 0.9)]
        found += [Episode(odd, each, 0.0, seconds * 0.9) for each in self._chance.sample(TIGHT + LOOSE, 2)]
        if number % 8 == 5:
            found.append(Episode(Fault("nobody listens anywhere", {"refused": True}), "*", 1.0, 1.5))
        return found

    def _episode(self, fault: Fault, provider: str, seconds: float) -> Episode:
        after = self._chance.uniform(0, 0.3 * seconds)
        return Episode(fault, provider, after, self._chance.uniform(0.2 * seconds, 0.6 * seconds))
