"""What the words of an error mean. Status and codes count first, because words change and may be wrong.

All patterns search at most 2000 lower-case characters, and no pattern repeats a repetition.
"""

import re
from dataclasses import dataclass
from typing import Literal

from router_config.signals.durations import leading_duration
from router_config.signals.types import Part

Window = Literal["second", "minute", "hour", "day", "month"]


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_PARTS: dict[str, Part] = {"input": "input", "output": "output"}
_WINDOWS: tuple[Window, ...] = ("month", "day", "hour", "minute", "second")  # longest first
_WINDOW_OF_LETTER: dict[str, Window] = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_PART_OF_LETTERS: dict[str, Part] = {"it": "input", "ot": "output"}
_METRIC_OF_LETTER = {"r": "requests", "q": "requests", "t": "tokens"}
_ABBREVIATION = re.compile(r"\b(r|q|t|it|ot|as|i)p([smhd])\b")
_PER = re.compile(
    r"(?:(?:\b(input|output) )?\b(requests?|tokens?|queries|calls|messages?)\W{0,3}(?:used )?)?"
    r"(?:\bper[ _-]?|/ ?)(24.?hours?|86400|sec(?:ond)?|min(?:ute)?|hour|day|week|month|billing)"
    r"(?![a-z])"
)
_EVERY = _any(
    r"\b(daily|hourly|weekly|monthly)\b",
    r"\b(?:billing (?:cycle|period)|this (?:week|month))\b",
    r"24.hour",
    r"by(?:day|minute)\b",
)
_LIMIT = re.compile(r"\blimit(?: of| is)?\W{0,3}(\d[\d,_]{0,15})")
_USED = re.compile(r"\b(?:used|current|usage)\W{0,3}(\d[\d,_]{0,15})")
_REQUESTED = re.compile(r"\brequested\W{0,3}(\d[\d,_]{0,15})")
_STATED_WAIT = re.compile(
    r"\b(?:retry|retrying|again|wait|resets?|available)"
    r"(?: at least)?(?: in| after| for)? (?:about |approximately |~ ?)?(?=\d)"
)

CREDIT_GONE = _any(
    r"insufficient[ _](?:\w{1,20} )?(?:balance|credits?|funds|quota)",
    r"(?:credits?|balance|funds)\b[^.\n]{0,40}\b(?:depleted|exhausted|too low|used up|run out|negative)",
    r"balance\b[^.\n]{0,40}\binsufficient",
    r"(?:out of|no|not enough|requires more) (?:credits?|balance|funds)\b",
    r"prepa(?:y|id)\w{0,6}\b[^.\n]{0,40}\b(?:deplet|exhaust|used up|run out)",
    r"billing hard limit",
    r"spend(?:ing)?[ -](?:cap|limit)",
    r"payment required",
    r"credit limit",
    r"(?:^|api )key limit",
    r"\barrear",
    r"account is not active",
    r"余额不足",
)
CONCURRENT = _any(r"concurren", r"simultaneous", r"parallel[ _]requests")
"""Too many requests at a time: no window is used up."""
QUOTA_EXCEEDED = _any(r"exceeded your current quota")
KEY_BAD = _any(
    r"(?:incorrect|invalid|expired|missing|unknown|revoked|wrong|no) "
    r"(?:x-)?(?:api[ _-]?key|authentication|auth(?:orization)? (?:header|token)|access token|credentials)",
    r"(?:api[ _-]?key|access token|credentials)\b[^.\n]{0,40}"
    r"\b(?:not valid|not found|invalid|expired|revoked|leaked|disabled|incorrect|deleted)",
)
GONE_FOR_GOOD = _any(
    r"(?:key|token|account|credentials)\b[^.\n]{0,60}\b(?:revoked|deleted|leaked|deactivated|terminated)",
    r"\b(?:revoked|deleted|leaked) (?:x-)?(?:api[ _-]?key|access token|credentials)",
    r"(?:decommissioned|sunset|retired|discontinued|shut down|no longer (?:supported|available))",
    r"\bmodels?\b[^.\n]{0,100}\b(?:was|has been|have been) (?:deprecated|removed)",
)
"""What a passing refusal does not say: a key is revoked, or a model is gone."""
CONTEXT = _any(
    r"context[ _-]?(?:length|window|size)",
    r"maximum context",
    r"input token count",
    r"reduce the length",
    r"(?:inputs?|prompts?|messages?)\b[^.\n]{0,40}\btoo (?:long|many tokens)",
    r"too many (?:input |prompt )?tokens",
    r"\+ \W?max_new_tokens|max_new_tokens\b[^.\n]{0,40}(?:<=|less than|exceed)",
    r"exceeds the maximum number of tokens",
    r"tokens?\b[^.\n]{0,30}\bexceed",
    r"longer than the (?:model|maximum)",
)
TOO_MUCH_ASKED = _any(
    r"(?:request|payload)(?: entity| body| payload)?(?: is)? too large",
    r"reduce your message size",
    r"max\w{0,12}_tokens\b[^\n]{0,80}\b(?:too large|at most|less than or equal|maximum)",
)
CONTENT = _any(
    r"content[ _](?:management )?(?:policy|policies|filter)",
    r"responsible ai",
    r"content exists risk",
    r"safety (?:system|filter|polic)",
    r"usage polic",
    r"(?:inputs?|prompts?|request|content|messages?)\b[^.\n]{0,60}\b(?:flagged|prohibited)",
    r"violat\w{0,4} (?:our|[a-z]{1,20}'s|content|usage|safety|terms)",
)
PLACE = _any(
    r"(?:country|region|territory|location)\b[^.\n]{0,60}\bnot (?:supported|available|allowed)",
    r"not (?:available|supported|allowed) in (?:your|this) (?:country|region|location)",
)
# In a 403: about one file, media type or parameter, and so not about the key.
PART_OF_REQUEST = _any(
    r"\b(?:file|image|audio|video|document|attachment|media[ _]type|mime[ _]type|parameter|argument|field)s?\b"
    r"[^.\n]{0,80}"
    r"\b(?:not (?:allowed|permitted|supported|accessible|exist)|forbidden|denied|access)",
    r"(?:permission|access|allowed|permitted)\b[^.\n]{0,40}"
    r"\b(?:file|image|audio|video|document|attachment|media[ _]type|mime[ _]type|parameter)s?\b",
    r"\b(?:this|the|that|your|uploaded|attached)(?: \w+)? "
    r"(?:file|image|audio|video|document|attachment|media[ _]type|mime[ _]type)s?\b"
    r"(?! (?:models?|api|endpoints?|generation|input))",
)
NETWORK = _any(r"network settings", r"access denied", r"cloudflare", r"\bvpn\b", r"firewall")
BUSY = _any(
    r"overload",
    r"over capacity",
    r"at capacity",
    r"capacity (?:is )?exceeded",
    r"high (?:demand|load)",
    r"no capacity",
    r"currently loading",
    r"too busy",
    r"server is busy",
)
# In a 400 or 403 only a statement about the model itself: a wrong argument must not disable the model.
MODEL_GONE = _any(
    r"not a (?:valid|supported) model",
    r"unexpected model name",
    r"unable to access (?:non-serverless )?model",
    r"unavailable for free",
    r"no such model",
    r"no endpoints? (?:found|available)(?! that support)",
    r"no allowed providers",
    r"(?:unknown|invalid) model\b(?! (?:param|response|output|config|setting|argument))",
    r"\bmodels?(?:[ /:]\S{1,80})? (?:does not exist|(?:was |is |could )?not (?:be )?found|is no longer)",
    r"\bmodels?(?:[ /:]\S{1,80})? (?:has been|was|is) (?:deprecated|removed|blocked)",
    r"^(?:the )?(?:requested )?model(?: \S{1,80})? is not (?:supported|available)",
    r"(?:has been|was|is) (?:decommissioned|sunset|retired|discontinued|shut down)",
    r"access to (?:the )?(?:tuned )?model",
    r"\bmodels?\b[^.\n]{0,100}\bend[ -]of[ -](?:life|service|support)",
)
# A model that is there, but not for this account as it is set up.
WITHHELD = _any(
    r"data policy",
    r"no allowed providers",
    r"access to (?:the )?(?:tuned )?model",
    r"\bmodels?\b[^.\n]{0,60}\bblocked",
    r"\b(?:permission|not allowed|terms)\b",
)
WRONG_ADDRESS = _any(
    r"(?:unknown|invalid) (?:request )?(?:url|path|route|endpoint)",
    r"check the url\b",
    r"cannot post /",
    r"page not found",
    r"no (?:such )?route",
    r"no static resource",
)
# What no provider could take: a body that is no JSON, no messages, or something else in their place.
_REQUIRED = r"\b(?:messages|contents|input|prompt)['\"`]?"
_NAMED = r"(?:body\W{1,3})?(?:messages|contents|input|prompt|model|messages\W{1,3}\d{1,5}\W{1,3}role)\b(?![.\[])"
MALFORMED = _any(
    r"(?:pars|decod|deseriali[sz])\w{0,4}\b[^.\n]{0,30}\bjson body",
    r"(?:pars|decod|deseriali[sz])\w{0,4}\b[^.\n]{0,30}\b(?:request|body|payload)\b[^.\n]{0,30}\bjson\b(?!.?schema)",
    r"\b(?:body|payload)\b[^.\n]{0,30}\b(?:not|invalid)(?: a)?(?: valid)? json\b(?!.?schema)",
    r"\b(?:invalid|malformed) json(?: in)?(?: the)? (?:request|body|payload(?! received))",
    r"malformed json(?!.?schema)",
    r"invalid json payload received\. (?:unexpected|expected|closing|end|root)",
    r"json (?:decode|parse) error",
    _REQUIRED + r"\W{0,4}(?:field |parameter |array |list |property )?(?:is|are|was) "
    r"(?:required|missing|empty|not specified)",
    _REQUIRED + r"\W{0,4}(?:array |list )?(?:must|cannot|can't|may|should)(?: not)? (?:be|contain|have) "
    r"(?:an? )?(?:non.?)?(?:empty|at least|one or more)",
    _REQUIRED + r"\W{1,4}(?:field required|minimum number of items|at least one|list should have at least)",
    r"\[\] is too short[^.\n]{0,10}\bmessages\b",
    r"input required: specify",
    r"missing (?:an? )?(?:required )?(?:parameter|field|property|argument)s?\W{1,4}" + _NAMED,
    r"you must provide an? (?:model|messages?)\b",
    r"invalid type for ['\"`]?(?:messages(?:\[\d{1,5}\](?:\.role)?)?|input|prompt|model)(?![\w.\[])",
    r"invalid type for ['\"`]?messages\[\d{1,5}\]\.content\b[^\n]{0,80}\bgot an? (?:integer|number|bool|decimal)",
    _REQUIRED + r"\W{0,4}(?:value |input )?(?:must be|should be|is not|expected)(?: of type)?\W{0,2}"
    r"(?:an? )?(?:valid )?(?:array|list)",
)
_ABILITY = (
    r"\b(?:images?|vision|audio|videos?|pdfs?|files?|documents?|tools?|functions?|json(?:_schema)?|response_format|"
    r"structured outputs?|logprobs|reasoning|thinking|stream(?:ing)?|parameters?)\b(?! models?)"
)
# In a 404: what the request asks for is missing, and not the model.
ABILITY = _any(
    _ABILITY + r"[^.\n]{0,40}\b(?:not (?:supported|available|enabled|allowed)|unsupported)\b",
    r"\b(?:not|n't|cannot|un)[ -]?(?:support|offer|take|accept|handle)\w{0,3}\b[^.\n]{0,40}" + _ABILITY,
    r"\b(?:the )?requested parameters?\b",
)
ANOTHER_OBJECT = _any(
    r"\b(?:cached content|file|thread|assistant|response|conversation|batch|vector store|run|item|message|image|"
    r"container)\b[^.\n]{0,80}\bnot found",
    r"\bno (?:such )?(?:file|thread|assistant|response|conversation|batch|vector store)\b",
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One limit that a text speaks of.

    metric: `requests`, `tokens` or None. part: it counts only input or output tokens. partial: it counts something
    else. limit, used, requested: None where the text has no number.
    """

    window: Window
    metric: str | None
    partial: bool
    limit: int | None
    used: int | None
    requested: int | None
    part: Part | None = None

    @property
    def never_fits(self) -> bool:
        """The request alone is larger than the whole limit."""
        return self.limit is not None and self.requested is not None and self.requested > self.limit > 0

    @property
    def spent(self) -> bool:
        """By its own numbers there is no room for the request."""
        if self.limit is None or self.used is None:
            return False
        return self.used + (self.requested or 1) > self.limit


def clauses(text: str) -> tuple[Clause, ...]:
    """The limits that a lower-case text speaks of, in order.

    Named by abbreviation (`(TPM): Limit 8000, Used 7325`). Without any, named by words (`30 requests per minute`,
    `daily`).
    """
    return _abbreviated(text) or _in_words(text)


def window_spent(found: tuple[Clause, ...]) -> Window | None:
    """Which window is used up: the longest that is by its numbers, else the one named first."""
    for window in _WINDOWS:
        if any(clause.spent and clause.window == window for clause in found):
            return window
    with_numbers = [clause for clause in found if clause.limit is not None]
    return next((clause.window for clause in (*with_numbers, *found)), None)


def stated_wait(text: str) -> float | None:
    """Seconds of `try again in 9m38.016s`, `retry after 20 seconds` and the like in a lower-case text."""
    match = _STATED_WAIT.search(text)
    return leading_duration(text[match.end() : match.end() + 64]) if match else None


def _abbreviated(text: str) -> tuple[Clause, ...]:
    marks = list(_ABBREVIATION.finditer(text))[:8]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    found = []
    for mark, end in zip(marks, ends, strict=False):
        metric = _METRIC_OF_LETTER.get(mark[1][-1])
        part = _PART_OF_LETTERS.get(mark[1])
        partial = (len(mark[1]) > 1 and part is None) or metric is None
        numbers = text[mark.end() : min(end, mark.end() + 200)]
        found.append(_clause(numbers, _WINDOW_OF_LETTER[mark[2]], metric, partial, part))
    return tuple(found)


def _in_words(text: str) -> tuple[Clause, ...]:
    found = []
    for match in list(_PER.finditer(text))[:8]:
        metric = None if match[2] is None else "tokens" if match[2].startswith("token") else "requests"
        part = _PARTS.get(match[1]) if metric == "tokens" else None
        found.append(_clause(text[match.end() : match.end() + 200], _window(match[3]), metric, False, part))
    every = _EVERY.search(text)
    if every is not None:
        found.append(_clause(text[every.end() : every.end() + 200], _window(every[0]), None, False))
    return tuple(found)


def _window(word: str) -> Window:
    if word.startswith(("min", "byminute")):
        return "minute"
    if word.startswith(("month", "week", "billing", "this")):
        return "month"  # Or any other of which nobody knows when it ends.
    if word.startswith(("hour", "sec")):
        return "hour" if word[0] == "h" else "second"
    return "day"


def _clause(text: str, window: Window, metric: str | None, partial: bool, part: Part | None = None) -> Clause:
    return Clause(window, metric, partial, _count(_LIMIT, text), _count(_USED, text), _count(_REQUESTED, text), part)


def _count(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return int(match[1].replace(",", "").replace("_", "")) if match else None
