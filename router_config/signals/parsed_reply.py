"""A reply taken apart, once and within bounds, in the form that the rules ask for."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from router_config.signals import error_body
from router_config.signals.durations import duration, number, wait
from router_config.signals.error_body import mappings
from router_config.signals.error_wording import stated_wait
from router_config.signals.types import Failure, Observation, Reply

_HEADERS = 256  # headers that are looked at, and characters of each
_NODES = 48  # objects within an error that are looked at
_TEXT = 2000  # characters of the message that are looked at
_CODE_NAMES = frozenset(
    {"type", "code", "status", "reason", "error_type", "error_code", "limit_source", "quotaid", "blockreason"}
)
_CODE_PLACES = frozenset(
    {
        "error", "metadata", "details", "violations", "innererror", "inner_error", "errors", "cause", "promptfeedback",
    }
)  # fmt: skip
# What gRPC, OpenAI and Anthropic call the statuses, for errors that arrive inside a 200.
_STATUS_OF = {
    "unauthenticated": 401, "permission_denied": 403, "not_found": 404, "resource_exhausted": 429,
    "invalid_argument": 400, "failed_precondition": 400, "unavailable": 503, "internal": 500,
    "deadline_exceeded": 504, "cancelled": 499,
    "invalid_request_error": 400, "authentication_error": 401, "invalid_api_key": 401,
    "permission_error": 403, "not_found_error": 404, "model_not_found": 404, "request_too_large": 413,
    "context_length_exceeded": 400, "content_policy_violation": 400, "rate_limit_error": 429,
    "rate_limit_exceeded": 429, "insufficient_quota": 429, "payment_required": 402, "overloaded_error": 529,
    "provider_overloaded": 503, "service_unavailable": 503, "provider_unavailable": 502,
    "timeout_error": 504, "server_error": 500, "internal_server_error": 500, "api_error": 500,
}  # fmt: skip


class ParsedReply(NamedTuple):
    """A reply taken apart.

    status: the HTTP status; for an error inside a 2xx the status that the error names, None if it names none.
    failed: whether it is a failure. headers: under lower-case names, those that may tell of limits. document: the
    JSON object that holds the error. error: the error object. codes: the machine-readable words in it, in lower
    case (types, codes, reasons, quota names). quote: the message as it came. text: the same in lower case.
    web_page: HTML came, which no API sends. now: epoch seconds. observations: see Reading; empty until they are
    read.
    """

    provider: str
    status: int | None
    failed: bool
    failure: Failure | None
    headers: Mapping[str, str]
    document: Mapping[str, Any]
    error: Mapping[str, Any]
    codes: frozenset[str]
    text: str
    quote: str
    web_page: bool
    now: float
    observations: tuple[Observation, ...] = ()

    def has_code(self, *parts: str) -> bool:
        """Whether any code contains any of these (lower-case) parts."""
        return any(part in code for code in self.codes for part in parts)

    def header_waits(self, *names: str) -> tuple[float, ...]:
        """Seconds named by these headers; may be negative or absurd."""
        found = (wait(self.headers[name], self.now) for name in names if name in self.headers)
        return tuple(seconds for seconds in found if seconds is not None)

    @property
    def hints(self) -> tuple[float, ...]:
        """Every wait that the reply states, in seconds, believable or not."""
        found = list(self.header_waits("retry-after"))
        milliseconds = number(self.headers.get("retry-after-ms"))
        if milliseconds is not None:
            found.append(milliseconds / 1000.0)
        found.extend(_delays_in(self.error))
        said = stated_wait(self.text)
        if said is not None:
            found.append(said)
        return tuple(found)


def parse(provider: str, reply: Reply, now: float) -> ParsedReply:
    """Take a reply apart."""
    http_status = _status(reply.status)
    success = http_status is not None and 200 <= http_status < 300
    body = error_body.of_success(reply.body) if success else error_body.of_failure(reply.body)
    error = body.error
    codes = frozenset(_codes(error if error else body.document))
    status = _status_named(error, codes) if error and (success or http_status is None) else http_status
    quote = _message(error)
    return ParsedReply(
        provider=provider if isinstance(provider, str) else "",
        status=status,
        failed=bool(error) or body.web_page or not success or reply.failure is not None,
        failure=reply.failure,
        headers=limit_headers(reply.headers),
        document=body.document,
        error=error,
        codes=codes,
        text=quote.lower(),
        quote=quote,
        web_page=body.web_page,
        now=now,
    )


def of_headers(provider: str, headers: Mapping[str, str], now: float) -> ParsedReply:
    """The same for a success whose body needs no reading. headers: those that may tell of limits."""
    return ParsedReply(provider, 200, False, None, headers, {}, {}, frozenset(), "", "", False, now)


def limit_headers(headers: Any) -> dict[str, str]:
    """The headers that may tell of limits, under lower-case names, bounded in number and length."""
    if not isinstance(headers, Mapping):
        return {}
    found = {}
    for name, value in islice(headers.items(), _HEADERS):
        name = _limit_name(name)
        if name is None:
            continue
        if isinstance(value, bytes):
            value = value[:_HEADERS].decode("latin-1")
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            value = str(value)
        if isinstance(value, str):
            found[name] = value[:_HEADERS].strip()
    return found


@lru_cache(512)  # The answers of a provider have the same names again and again.
def _limit_name(name: Any) -> str | None:
    """The lower-case name of a header that may tell of limits; None for another."""
    if isinstance(name, bytes):
        name = name[:_HEADERS].decode("latin-1")
    if not isinstance(name, str):
        return None
    name = name[:_HEADERS].lower()
    return name if "rate" in name or "retry" in name or "-call-" in name else None


def _status(value: Any) -> int | None:
    status = number(value)
    return int(status) if status is not None and 100 <= status < 1000 else None


def _status_named(error: Mapping[str, Any], codes: frozenset[str]) -> int | None:
    for name in ("code", "status", "status_code", "http_status"):
        status = _status(error.get(name))
        if status is not None and 400 <= status < 600:
            return status
    return next((_STATUS_OF[code] for code in sorted(codes) if code in _STATUS_OF), None)


def _message(error: Mapping[str, Any]) -> str:
    for name in ("message", "detail", "msg", "error_type"):
        said = error.get(name)
        if isinstance(said, Mapping):
            said = said.get("message") or said.get("detail")
            if isinstance(said, list) and said and isinstance(said[0], Mapping):  # Mistral's, of what pydantic finds.
                said = error_body.at_its_place(said[0])
        if isinstance(said, str) and said.strip():
            return said[:_TEXT]
    return ""


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    """The words under the names that carry codes, wherever providers nest them."""
    waiting, seen = [error], 0
    while waiting and seen < _NODES:
        place = waiting.pop(0)
        seen += 1
        for name, value in islice(place.items(), 32):
            if not isinstance(name, str):
                continue
            name = name[:40].lower()
            if name in _CODE_NAMES and isinstance(value, str):
                yield value[:100].strip().lower()
            elif name in _CODE_PLACES and len(waiting) < _NODES:
                waiting.extend(mappings(value))


def _delays_in(error: Mapping[str, Any]) -> Iterator[float]:
    """Seconds in Google's `RetryInfo` and in the `retry_after` fields of others."""
    for item in (error, *mappings(error.get("details")), *mappings(error.get("metadata"))):
        for name in ("retryDelay", "retry_delay", "retry_after", "retry_after_seconds", "retryAfter"):
            if name in item:
                seconds = duration(item[name])
                if seconds is not None:
                    yield seconds
