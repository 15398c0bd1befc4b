"""The verdicts there are, one function each: the table "what came back -> what it means" in code.

Every function takes the evidence for the provider's name, its words and the time.
"""

from __future__ import annotations

from collections.abc import Iterable

from router_config.signals import cooldowns as waits
from router_config.signals.evidence import Evidence
from router_config.signals.provider_names import place_of
from router_config.signals.redaction import redact, shorten
from router_config.signals.types import Hold, Kind, Scope, Verdict

_MESSAGE = 300
_QUOTE = 110


def window_spent(e: Evidence, scope: Scope, seconds: float, what: str) -> Verdict:
    """A minute's (or another short) window is used up: the scope rests for `seconds`."""
    message = f"{place_of(e.provider).name}: {what} used up; free again in {_time(seconds)}."
    return _verdict(Kind.rate_limit, scope, Hold.until, message, True, e.now + seconds)


def day_spent(e: Evidence, scope: Scope, until: float, what: str) -> Verdict:
    """A day's window is used up: the scope rests until `until` (epoch seconds)."""
    message = f"{place_of(e.provider).name}: {what} used up; asked again in {_time(until - e.now)}."
    return _verdict(Kind.daily_limit, scope, Hold.until, message, True, until)


def no_free_quota(e: Evidence) -> Verdict:
    """The model's limit is zero on this tier."""
    place = place_of(e.provider)
    message = (
        f"{place.name} grants this key's tier no quota for this model (limit 0). "
        f"Choose another model ({place.models}) or enable billing ({place.billing})."
    )
    return _verdict(Kind.model_gone, Scope.model, Hold.disabled, message, True)


def quota_gone(e: Evidence, until: float | None = None) -> Verdict:
    """Credit or quota is gone for good: a long bench of the account, then a probe."""
    place = place_of(e.provider)
    message = f"{place.name}: this account's credit or quota is gone. Top it up at {place.billing}."
    until = e.now + waits.QUOTA_BENCH if until is None else until
    return _verdict(Kind.quota_gone, Scope.account, Hold.cooldown, message, True, until)


def bad_key(e: Evidence, problem: str = "refused the key") -> Verdict:
    """The key is wrong, expired, leaked or may not do this. Never quotes: such answers echo keys."""
    place = place_of(e.provider)
    message = (
        f"{place.name} {problem}{_in_brackets(e)}. "
        f"Create or check it at {place.keys}, then set it with `router-config env`."
    )
    return _verdict(Kind.bad_key, Scope.key, Hold.disabled, message, True)


def account_refused(e: Evidence, problem: str) -> Verdict:
    """The provider refuses the whole account, or is not at this address: off until a person acts."""
    message = f"{place_of(e.provider).name} {problem}{_in_brackets(e)}."
    return _verdict(Kind.unknown, Scope.account, Hold.disabled, message, True)


def model_gone(e: Evidence) -> Verdict:
    """The model does not exist (any more), or not for this account."""
    place = place_of(e.provider)
    message = (
        f"{place.name} does not serve this model{_in_brackets(e)}. "
        f"Replace it in litellm.yaml; what is served: {place.models}{_quoted(e)}"
    )
    return _verdict(Kind.model_gone, Scope.model, Hold.disabled, message, True)


def unfit(e: Evidence, kind: Kind, problem: str) -> Verdict:
    """This request and this model do not go together: next provider, nobody is benched."""
    message = f"{place_of(e.provider).name}: {problem}; the next provider is asked{_quoted(e)}"
    return _verdict(kind, Scope.request, Hold.none, message, True)


def bad_request(e: Evidence) -> Verdict:
    """The caller's request is at fault: raised at once."""
    message = f"{place_of(e.provider).name} rejected the request{_in_brackets(e)}; correct it{_quoted(e)}"
    return _verdict(Kind.bad_request, Scope.request, Hold.none, message, False)


def failing(e: Evidence, kind: Kind, problem: str, hints: Iterable[float] = ()) -> Verdict:
    """The provider fails: the configured cooldown, longer where it says so believably."""
    hint = waits.believed(hints, waits.PROVIDER_CAP)
    until = None if hint is None else e.now + hint + waits.MARGIN
    message = f"{place_of(e.provider).name} {problem}{_in_brackets(e)}; it is left alone for a while{_quoted(e)}"
    return _verdict(kind, Scope.provider, Hold.cooldown, message, True, until)


def upstream_refused(e: Evidence) -> Verdict:
    """A provider behind the provider refused, which says nothing about our own key or credit."""
    message = (
        f"{place_of(e.provider).name}: the host behind this model refuses{_in_brackets(e)}; "
        f"the model is left alone for a while{_quoted(e)}"
    )
    return _verdict(Kind.server_error, Scope.model, Hold.cooldown, message, True)


def web_page(e: Evidence, problem: str) -> Verdict:
    """No API answered but a web page: a wrong api_base, a firewall, or an outage."""
    message = (
        f"{place_of(e.provider).name} {problem}{_in_brackets(e)}. "
        "Check api_base, and whether a proxy or firewall stands between."
    )
    until = e.now + waits.WEB_PAGE_BENCH
    return _verdict(Kind.unknown, Scope.provider, Hold.cooldown, message, True, until)


def _verdict(kind: Kind, scope: Scope, hold: Hold, message: str, retry: bool, until: float | None = None) -> Verdict:
    return Verdict(kind, scope, hold, until, shorten(message, _MESSAGE), retry)


def _in_brackets(e: Evidence) -> str:
    return "" if e.status is None else f" (status {e.status})"


def _quoted(e: Evidence) -> str:
    words = shorten(redact(e.quote), _QUOTE)
    return f". It says: {words}" if words else "."


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
