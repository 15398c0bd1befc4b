"""Which ability a refusal says the model is without, and the most tokens that it says the model takes or answers."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

_LOOKED_AT: Final = 1200
"""Characters of a message."""

_SENTENCE_LENGTH: Final = 400
_NUMBERS_IN: Final = 600
_DIGITS: Final = re.compile(r"\d\d")

_NAMES: Final = {
    "parallel_tools": r"parallel[ _]?(?:tool|function)[ _]?call(?:s|ing)?",
    "tools": r"(?<!parallel )(?<!parallel_)(?:tool[ _-]?(?:use|usage|call(?:s|ing)?)|function[ _-]?call(?:s|ing)?"
    r"|tools?(?! ?_?choice)|functions)",
    "json_schema": r"json[ _-]?schemas?|structured[ _-]outputs?|response[ _]?schema|guided[ _](?:json|decoding)",
    "json_object": r"json[ _-]?object|json[ _-]mode|json output",
    "format": r"response[ _]format",
    "images": r"image[ _]?(?:url|input|content)s?|input[ _]image|images?|vision|visual inputs?|multi-?modal",
    "audio": r"input[ _]audio|audio[ _](?:input|content)s?|audio|modalities",
    "pdf": r"pdfs?|documents?|files?|file[ _](?:input|content|attachment)s?",
    "n": r"(?:multiple|several|more than one) (?:candidate|choice|completion|generation)s?|candidate_?count"
    r"|(?<=['\"`])n(?=['\"`])|(?<=body\.)n(?=: )",
    "logprobs": r"(?:top_?)?log_?probs?|log[ -]prob(?:abilitie)?s",
    "reasoning": r"reasoning(?:[ _.]effort)?|thinking(?:[ _](?:mode|budget|level|config))?",
    "streaming": r"stream(?:ing)?(?:[ _]options)?",
    "dimensions": r"dimensions|output_?dimension(?:ality)?|embedding dimensions?",
}
"""How messages name an ability; `format`: whichever `response_format` was asked for."""

FORMAT: Final = "format"
FORMATS: Final = frozenset({FORMAT, "json_schema", "json_object"})

_BETWEEN = (
    r"\W{1,4}(?:(?:the|an?|any|all|this|your|use|usage|of|using|requests?|with|specifying|setting|passing|parameters?"
    r"|param|argument|content|blocks?|parts?|messages?|response|format|type|mode|custom|native|inputs?|calls?|for"
    r"|openai|provided|generation)\W{1,4}){0,5}"
)
_AFTER = (
    r"(?:\W{1,4}(?:use|usage|inputs?|outputs?|content|blocks?|parts?|parameters?|arguments?|modality|modalities|calls?"
    r"|field|requests?|of|type|mode|generation|and|or|json_schema|json_object|function calling|tool calling"
    r"|support)\b){0,5}\W{1,4}"
)
_DENIED = (
    r"(?:(?:is|are|was|were|be|has|have|can)\W{1,2})?(?:(?:currently|yet)\W)?"
    r"(?:(?:not|n't|cannot|cannot be)\W(?:(?:yet|currently|be|been|implemented or)\W){0,2}"
    r"(?:support|available|enable|allow|permit|accept|implement|offer|a supported|recogni[sz]ed)"
    r"|n't (?:support|available|enabled|allowed)|unsupported|disabled|unavailable"
    r"|only (?:supported|available|allowed|enabled)|enabled only"
    r"|not permitted|extra (?:inputs|fields|parameters)\W{1,2}(?:are )?not|requires? (?:--|-|a model|another|the flag))"
)
_WITHOUT = (
    r"(?:\bnot|n't|\bcannot|\bnever|\bunable to)\W(?:(?:yet|currently|natively|allowed to|able to|capable of)\W)?"
    r"(?:support|accept|allow|offer|take|handle|process|request|provide|have|implement|understand|enable)(?:s|ed|ing)?"
    r"(?:\Wsupport for)?"
)
_UNKNOWN = (
    r"\b(?:unsupported|unrecogni[sz]ed|unknown|unexpected|invalid|disallowed|extra|extraneous)\W(?:request\W|body\W"
    r"|keyword\W|content\W|input\W)?(?:parameter|param|argument|field|property|key|type|variant|input|content|modality)"
    r"(?:\(?s\)?)?(?:\W{1,3}(?:supplied|provided|found|in request|passed|name|value))?\W{1,4}"
)
_END = r"(?![\w]|[.\[]\w|\W{0,2}(?:schema|format\b|definition))"

_STATEMENTS: Final = {
    name: re.compile(
        rf"{_WITHOUT}{_BETWEEN}\b(?:{words}){_END}"
        rf"|\b(?:{words}){_END}{_AFTER}{_DENIED}"
        rf"|{_UNKNOWN}(?:{words}){_END}"
        rf"|\bno (?:endpoints?|models?|providers?|hosts?) (?:\w{{1,12}} )?(?:that|which|to) supports?"
        rf"{_BETWEEN}(?:{words}){_END}"
    )
    for name, words in _NAMES.items()
}
_STEMS: Final = {
    "parallel_tools": ("parallel",),
    "tools": ("tool", "function"),
    "json_schema": ("json", "structured", "schema", "guided"),
    "json_object": ("json",),
    "format": ("response",),
    "images": ("image", "vision", "visual", "modal"),
    "audio": ("audio", "modalit"),
    "pdf": ("pdf", "document", "file"),
    "n": ("candidate", "choice", "completion", "generation", "n"),
    "logprobs": ("log",),
    "reasoning": ("reasoning", "thinking"),
    "streaming": ("stream",),
    "dimensions": ("dimension",),
}
_DENIES: Final = re.compile(
    r"not|n't|\bun|only|never|disabled|requires|\b(?:invalid|extra|extraneous|disallowed)\b|endpoint|\bno\b"
)
_SAID_OTHERWISE: Final = {
    "tools": re.compile(r"tool choice requires --|enable-auto-tool-choice|tools? param\w* requires|--tool-call-parser"),
    "images": re.compile(
        r"not a (?:multi-?modal|vision) model|at most 0 image|missing data required for image|\bmmproj\b"
        r"|variant \W?image_url|does not (?:have|include) (?:a )?vision"
    ),
    "audio": re.compile(r"at most 0 audio|variant \W?input_audio"),
    "pdf": re.compile(r"variant \W?(?:file|document)\b"),
    "n": re.compile(
        r"\W?\bn\W{1,6}(?:number )?(?:must|should|has to|needs to|can only|may only)\W(?:only )?be "
        r"(?:at most |<= |equal to |less than or equal to )?1\b"
        r"|only one (?:candidate|choice|completion)|n ?(?:>|greater than) ?1\b"
    ),
    "dimensions": re.compile(r"not support matryoshka"),
    "streaming": re.compile(r"must be verified to stream\b"),
    "json_schema": re.compile(
        r"^\W{0,2}response_format\.type\W{1,5}value is not one of the allowed values.{0,20}json_object"
    ),
    "attached": re.compile(
        r"\bcontent\b\W{0,4}(?:field |value )?(?:must|should|has to|needs to) be (?:of type |a |type )?\W?str(?:ing)?\b"
    ),
}
ATTACHED: Final = "attached"
"""Images, audio or a document, whichever the request holds."""

_OF_THE_CONTENT: Final = re.compile(
    r"schema (?:field|keyword|propert)|\bkeywords?\b|additionalproperties|\$ref\b|\b(?:anyof|oneof|allof)\b"
    r"|(?:mime|media|file)[ _]?type|extension|\bcodec|url scheme|corrupt|too (?:large|big|many)|resolution"
    r"|could not (?:be )?(?:download|decode|process|fetch|pars)|unsupported image\b|\bformat \W?(?:image|audio)/"
    r"|image (?:format|size|type)|audio format|failed to (?:download|fetch|decode|load)"
    r"|unable to process (?:the |this |your )?(?:input|provided|image|audio|file)"
    r"|only (?:allowed|supported) (?:when|if)\b"
)
"""About this tool, picture or schema, and not about any."""

_ASKED_OTHERWISE: Final = re.compile(
    r"\bparameter has (?:been )?(?:moved|renamed)\b|\bthinking\.type\b|\badaptive thinking\b"
    r"|\bfunction[ _]calling mode\b"
)
"""The model can do it where it is asked for in another form."""

_TOGETHER: Final = re.compile(
    r"\b(?:with|in|when|while|and|together|combin\w{1,8}|both|alongside|if|conjunction|simultaneous\w{0,2})\b"
)
_SENTENCE: Final = re.compile(r"[^.!?;\n]+(?:[.](?=\w)[^.!?;\n]+)*")

_NUMBER = r"(\d{1,3}(?:[,_]\d{3})+|\d{2,9})"
_MOST_ANSWERED: Final = re.compile(
    rf"max\w{{0,12}}_?tokens\b[^\n]{{0,100}}?(?:at most|less than or equal to|<=|maximum (?:is|of|value)|up to"
    rf"|not exceed|cannot exceed|exceeds? the (?:maximum|limit) of|limit (?:is|of))\W{{0,4}}{_NUMBER}"
    rf"|supports? (?:at most|up to|a maximum of) {_NUMBER} (?:completion|output)"
    rf"|max\w{{0,12}}_?tokens\b[^\n]{{0,40}}\btoo large\b[^\n]{{0,60}}?{_NUMBER} (?:completion|output)"
    rf"|max\w{{0,12}}_?tokens\W{{1,4}}\d+ ?> ?{_NUMBER}"
)
_MOST_TAKEN: Final = re.compile(
    rf"context[ _-]?(?:length|window|size|limit)\b\W{{0,3}}"
    rf"(?:(?:of|is|for|this|the|model|only|are|tokens|limit)\W{{1,3}}){{0,5}}{_NUMBER}"
    rf"|maximum (?:number of |input |prompt )?(?:input |prompt )?tokens"
    rf" (?:allowed |of |is |supported ){{0,3}}\W{{0,3}}{_NUMBER}"
    rf"|(?:>|exceeds(?: the)?(?: \w{{1,12}}){{0,3}}|limit of|limited to|at most|up to|<=|must be less than)"
    rf" ?\(?{_NUMBER}(?: tokens?)? ?(?:maximum|max|token|\.|\)|$)"
    rf"|available context size \({_NUMBER}"
)


class Missing(NamedTuple):
    """An ability that a refusal names. beside: other abilities that may be meant together with it."""

    ability: str
    beside: frozenset[str] = frozenset()


@lru_cache(maxsize=64)
def missing_abilities(text: str) -> tuple[Missing, ...]:
    """The abilities that a lower-case text says the model is without.

    What it says of the content of this one request (a schema's keyword, a picture's format) names none.
    """
    text = text[:_LOOKED_AT]
    if _ASKED_OTHERWISE.search(text):
        return ()
    found: dict[str, frozenset[str]] = {}
    for sentence in _SENTENCE.findall(text):
        sentence = sentence[:_SENTENCE_LENGTH]
        if _DENIES.search(sentence) is None or _OF_THE_CONTENT.search(sentence):
            continue
        for name, statement in _STATEMENTS.items():
            if name in found or not any(stem in sentence for stem in _STEMS[name]):
                continue
            if statement.search(sentence):
                found[name] = _beside(sentence, name)
    for name, said in _SAID_OTHERWISE.items():
        if name not in found and said.search(text):
            found[name] = frozenset()
    return tuple(Missing(name, beside) for name, beside in found.items())


def most_answered(text: str) -> int | None:
    """The most tokens that a lower-case text says the model answers."""
    return _number(_MOST_ANSWERED, text)


def most_taken(text: str) -> int | None:
    """The most tokens of prompt and answer that a lower-case text says the model takes."""
    return _number(_MOST_TAKEN, text)


def _beside(sentence: str, ability: str) -> frozenset[str]:
    if _TOGETHER.search(sentence) is None:
        return frozenset()
    alike = FORMATS if ability in FORMATS else {ability}
    return frozenset(name for name, words in _MENTIONS.items() if name not in alike and words.search(sentence))


_MENTIONS: Final = {name: re.compile(rf"\b(?:{words})\b") for name, words in _NAMES.items()}


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    text = text[:_NUMBERS_IN]
    match = pattern.search(text) if _DIGITS.search(text) else None
    told = None if match is None else next((each for each in match.groups() if each), None)
    return None if told is None else int(told.replace(",", "").replace("_", ""))
