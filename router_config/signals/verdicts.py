"""The verdicts, one function each, with their messages for people."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from router_config.presets.lookup import of_prefix
from router_config.signals import cooldowns, error_wording
from router_config.signals.parsed_reply import ParsedReply
from router_config.signals.redaction import redact, shorten
from router_config.signals.successor_names import successor_in
from router_config.signals.types import Hold, Kind, Scope, Verdict

_MESSAGE = 300  # characters
_RETIRED = ("model_decommission", "model_deprecat", "model_retired", "model_removed", "unknown_model", "invalid_model")
_WITHHELD = ("model_terms", "model_permission", "model_blocked")
_QUOTE = 110  # characters of the provider's own words in it


@dataclass(frozen=True, slots=True)
class _Provider:
    """How messages name a provider, and the pages where people manage keys, billing and models."""

    name: str
    keys: str
    billing: str
    models: str


def window_spent(reply: ParsedReply, scope: Scope, seconds: float, what: str) -> Verdict:
    """A short window, mostly a minute's, is used up: no requests to the scope for `seconds`."""
    message = f"{_provider(reply).name}: {what} used up; free again in {_time(seconds)}."
    return _verdict(Kind.rate_limit, scope, Hold.until, message, True, reply.now + seconds)


def day_spent(reply: ParsedReply, scope: Scope, until: float, what: str) -> Verdict:
    """A day's window is used up: no requests to the scope until `until` (epoch seconds)."""
    message = f"{_provider(reply).name}: {what} used up; asked again in {_time(until - reply.now)}."
    return _verdict(Kind.daily_limit, scope, Hold.until, message, True, until)


def no_free_quota(reply: ParsedReply) -> Verdict:
    """The model's limit is zero on this tier."""
    provider = _provider(reply)
    message = (
        f"{provider.name} grants this key's tier no quota for this model (limit 0). "
        f"Choose another model ({provider.models}) or enable billing ({provider.billing})."
    )
    return _verdict(Kind.model_gone, Scope.model, Hold.disabled, message, True)


def quota_gone(reply: ParsedReply, until: float | None = None) -> Verdict:
    """Credit or quota is gone: the account is asked again after pauses that grow, since it may be topped up.

    until: epoch seconds, where the provider says when.
    """
    provider = _provider(reply)
    message = f"{provider.name}: this account's credit or quota is gone. Top it up at {provider.billing}."
    if until is not None:
        return _verdict(Kind.quota_gone, Scope.account, Hold.cooldown, message, True, until)
    until = reply.now + cooldowns.NO_CREDIT
    return _verdict(Kind.quota_gone, Scope.account, Hold.refused, message, True, until, proven=_proven(reply))


def asked_for_later(
    reply: ParsedReply, scope: Scope, what: str, hints: Iterable[float] = (), *, monthly: bool = False
) -> Verdict:
    """A limit without a window, or one of a week or month: nobody knows its end, so the scope is asked now and then."""
    hint = cooldowns.believed(hints, cooldowns.UNSTATED_CAP)
    until = None if hint is None else reply.now + hint + cooldowns.MARGIN
    message = f"{_provider(reply).name}: {what} used up; asked again after a while, by one request{_quoted(reply)}"
    kind = Kind.quota_gone if monthly else Kind.rate_limit
    return _verdict(kind, scope, Hold.refused, message, True, until)


def bad_key(reply: ParsedReply, problem: str = "refused the key") -> Verdict:
    """The key is wrong, expired, leaked or not allowed. The reply is not quoted, because such replies echo keys."""
    provider = _provider(reply)
    message = (
        f"{provider.name} {problem}{_in_brackets(reply)}. "
        f"Create or check it at {provider.keys}, then set it with `router-config env`."
    )
    return _verdict(Kind.bad_key, Scope.key, Hold.disabled, message, True, proven=_proven(reply))


def account_refused(reply: ParsedReply, problem: str) -> Verdict:
    """The provider refuses the whole account, or is not at this address: it is disabled."""
    message = f"{_provider(reply).name} {problem}{_in_brackets(reply)}."
    return _verdict(Kind.unknown, Scope.account, Hold.disabled, message, True)


def model_gone(reply: ParsedReply) -> Verdict:
    """The model does not exist, or not any more, or not for this account."""
    provider = _provider(reply)
    message = (
        f"{provider.name} does not serve this model{_in_brackets(reply)}. "
        f"Replace it in litellm.yaml; what is served: {provider.models}{_quoted(reply)}"
    )
    verdict = _verdict(Kind.model_gone, Scope.model, Hold.disabled, message, True, proven=_proven(reply))
    successor = successor_in(reply)
    return replace(verdict, retires=_retires(reply) or successor is not None, successor=successor)


def _retires(reply: ParsedReply) -> bool:
    """Whether the body itself says that the model is not served, and that not for this account or key alone."""
    said = reply.has_code("model_not_found", "model_not_available", "modelnotfound", "model_does_not_exist", *_RETIRED)
    text = reply.text[:_MESSAGE]
    said = said or error_wording.MODEL_GONE.search(text) is not None or _proven(reply)
    return said and error_wording.WITHHELD.search(text) is None and not reply.has_code(*_WITHHELD)


def unfit(reply: ParsedReply, kind: Kind, problem: str) -> Verdict:
    """The model cannot serve this request: the next provider is asked, and nothing is in cooldown."""
    message = f"{_provider(reply).name}: {problem}; the next provider is asked{_quoted(reply)}"
    return _verdict(kind, Scope.request, Hold.none, message, True)


def refused(reply: ParsedReply) -> Verdict:
    """The provider does not take this request. Another may, since each has rules of its own."""
    message = f"{_provider(reply).name} refused this request{_in_brackets(reply)}{_quoted(reply)}"
    return _verdict(Kind.bad_request, Scope.request, Hold.none, message, True)


def malformed(reply: ParsedReply) -> Verdict:
    """No provider could take the request: the error goes to the caller at once."""
    message = f"{_provider(reply).name} rejected the request{_in_brackets(reply)}; correct it{_quoted(reply)}"
    return _verdict(Kind.bad_request, Scope.request, Hold.none, message, False)


def empty_answer(provider: str) -> Verdict:
    """A success that holds no answer: nothing says that the provider would give another request none either."""
    message = f"{provider} answered with nothing in it; the next provider is asked"
    return _verdict(Kind.empty_answer, Scope.request, Hold.none, message, True)


def unread_answer(provider: str, missed: str) -> Verdict:
    """A complete success that holds an answer, which LiteLLM cannot read: nobody knows that it would fail again.

    missed: the field that LiteLLM looked for, if that is known.
    """
    why = f", for it looks for a field {missed!r}" if missed else ""
    message = f"{provider} answered, and LiteLLM cannot read the answer{why}; the next provider is asked"
    return _verdict(Kind.server_error, Scope.request, Hold.none, message, True)


def first_token_late(provider: str, seconds: float, cooldown: float | None) -> Verdict:
    """A stream that showed nothing for so many seconds, which is often chance.

    cooldown: seconds for which the model is not asked; None where nothing is in cooldown yet.
    """
    what = "the next provider is asked" if cooldown is None else "not the first in a row, so the model is in cooldown"
    message = f"{provider}: no first token within {seconds:g} s (first_token_timeout); {what}"
    hold = Hold.none if cooldown is None else Hold.cooldown
    return Verdict(Kind.timeout, Scope.model, hold, None, message, True, longest=cooldown)


def not_sent(provider: str, error: str) -> Verdict:
    """LiteLLM refuses to send this request to the provider: an argument that the provider does not take, say.

    error: what LiteLLM lacks, or the name of its exception, whose text may quote the request.
    """
    message = f"{provider}: not sent, for LiteLLM refuses this request for the model ({error})"
    return _verdict(Kind.bad_request, Scope.request, Hold.none, message, True)


def failing(reply: ParsedReply, kind: Kind, problem: str, hints: Iterable[float] = ()) -> Verdict:
    """The provider fails: the configured cooldown, or longer if it says so believably."""
    hint = cooldowns.believed(hints, cooldowns.PROVIDER_CAP)
    until = None if hint is None else reply.now + hint + cooldowns.MARGIN
    message = f"{_provider(reply).name} {problem}{_in_brackets(reply)}; it is in cooldown{_quoted(reply)}"
    return _verdict(kind, Scope.provider, Hold.cooldown, message, True, until)


def upstream_refused(reply: ParsedReply) -> Verdict:
    """A provider behind the provider refused, which says nothing about the caller's key or credit."""
    message = (
        f"{_provider(reply).name}: the host behind this model refuses{_in_brackets(reply)}; "
        f"the model is in cooldown{_quoted(reply)}"
    )
    return _verdict(Kind.server_error, Scope.model, Hold.cooldown, message, True)


def web_page(reply: ParsedReply, problem: str) -> Verdict:
    """A web page instead of an answer: a wrong api_base, a firewall, or an outage."""
    message = (
        f"{_provider(reply).name} {problem}{_in_brackets(reply)}. "
        "Check api_base, and whether a proxy or firewall stands between."
    )
    return _verdict(Kind.unknown, Scope.provider, Hold.cooldown, message, True)


def _verdict(
    kind: Kind,
    scope: Scope,
    hold: Hold,
    message: str,
    retry: bool,
    until: float | None = None,
    *,
    proven: bool = False,
) -> Verdict:
    return Verdict(kind, scope, hold, until, shorten(message, _MESSAGE), retry, proven)


def _proven(reply: ParsedReply) -> bool:
    return error_wording.GONE_FOR_GOOD.search(reply.text) is not None


def _in_brackets(reply: ParsedReply) -> str:
    return "" if reply.status is None else f" (status {reply.status})"


def _quoted(reply: ParsedReply) -> str:
    words = shorten(redact(reply.quote), _QUOTE)
    return f". It says: {words}" if words else "."


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _provider(reply: ParsedReply) -> _Provider:
    known = of_prefix(reply.provider)
    console, models = "the provider's console", "the provider's list of models"
    if known is None:
        name = redact(reply.provider)[:40] or "The provider"
        return _Provider(name, console, console, models)
    keys = known.key_page or console
    return _Provider(known.title, keys, known.billing_page or keys, known.models_page or models)
