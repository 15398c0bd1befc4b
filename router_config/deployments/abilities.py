"""What a request needs of a model, what is known of a model, and whether it fits: pure logic, the one place for it.

Unknown means that it may. What the file (or a model list's `model_info`) tells is sure, and so is what the model itself
refused. A list may be wrong, and a count of tokens is an estimate: those count only where somebody else fits.
"""

from collections.abc import Mapping
from math import inf
from typing import Any, Final, NamedTuple

from router_config.iso import iso
from router_config.ledger.rules.abilities import ASKED_AGAIN, Lack
from router_config.ledger.rules.gates import PROMPT_FACTOR, Status

ABILITIES: Final = (
    "tools", "parallel_tools", "json_object", "json_schema", "images", "audio", "pdf", "n", "logprobs", "reasoning",
    "streaming", "dimensions",
)  # fmt: skip
BIT: Final[Mapping[str, int]] = {name: 1 << place for place, name in enumerate(ABILITIES)}

CONTEXT: Final = "context"
"""The need of so many tokens of prompt and answer."""

ANSWER: Final = "max_tokens"
"""The need of so long an answer."""

LISTED: Final[Mapping[str, str]] = {
    "tools": "supports_function_calling",
    "parallel_tools": "supports_parallel_function_calling",
    "images": "supports_vision",
    "audio": "supports_audio_input",
    "pdf": "supports_pdf_input",
    "reasoning": "supports_reasoning",
}
"""What LiteLLM's list calls an ability. Where it is without a schema or a stream, LiteLLM finds another way."""


class Needs(NamedTuple):
    """What a request needs: abilities as bits (`BIT`), and tokens of the answer where the caller bounds it.

    sized: whether its prompt is to fit a context window, as that of a chat is.
    """

    abilities: int = 0
    answer: int = 0
    sized: bool = False


NOTHING: Final = Needs()


class Size(NamedTuple):
    """At most so many tokens. told: by the file, not by a list."""

    tokens: float = inf
    told: bool = False


class Facts(NamedTuple):
    """What is known of a model before it is asked.

    model: its name at its address, by which it learns. can, cannot: what the file tells. listed: what others say it
    cannot; own, preset: of that, what its provider's own list says, and what the preset does. prompt: tokens of a
    prompt; context: of prompt and answer together; answer: of an answer.
    """

    model: str
    can: int = 0
    cannot: int = 0
    listed: int = 0
    own: int = 0
    preset: int = 0
    prompt: Size = Size()
    context: Size = Size()
    answer: Size = Size()

    @property
    def smallest(self) -> float:
        return min(self.prompt.tokens, self.context.tokens)

    def who_lists(self, bit: int) -> str:
        """Who says that it cannot, where neither the file nor a refusal does."""
        if self.own & bit:
            return "the provider's own list"
        return "the preset" if self.preset & bit else "LiteLLM's list"


class Lacking(NamedTuple):
    """One need that a model does not meet. sure: not by a list or an estimate alone. learned: by its own refusals."""

    need: str
    reason: str
    sure: bool
    learned: Lack | None = None


class Misfit(NamedTuple):
    """Why a model does not fit a request."""

    lacking: tuple[Lacking, ...]

    @property
    def sure(self) -> bool:
        return any(each.sure for each in self.lacking)

    @property
    def status(self) -> Status:
        return "too_large" if all(each.need in (CONTEXT, ANSWER) for each in self.lacking) else "unfit"

    @property
    def reason(self) -> str:
        return "; ".join(each.reason for each in self.lacking)


def facts_of(
    model: str,
    info: Mapping[str, Any],
    listed: Mapping[str, Any],
    own: Mapping[str, Any] | None = None,
    preset: Mapping[str, Any] | None = None,
) -> Facts:
    """The facts about one model. Of those who say something of an ability the first counts: info, own, preset, listed.

    info: its `model_info`, with `supports`, `context` and `max_output` of the file, or LiteLLM's names for them.
    listed: its entry in LiteLLM's list. own: what its provider's own list says, under LiteLLM's names. preset: what
    `preset_facts` knows of it.
    """
    can = cannot = by_own = by_preset = by_litellm = 0
    supports, own, preset = info.get("supports") or {}, own or {}, preset or {}
    for name, bit in BIT.items():
        key = LISTED.get(name, "")
        told = supports.get(name, info.get(key))
        if told is not None:
            can, cannot = (can | bit, cannot) if told else (can, cannot | bit)
        elif own.get(key) is not None:
            by_own |= 0 if own[key] else bit
        elif preset.get(name) is not None:
            by_preset |= 0 if preset[name] else bit
        elif listed.get(key) is False:
            by_litellm |= bit
    context = _told(info.get("context")) or Size(_tokens(own.get("max_input_tokens")))
    if context.tokens == inf:
        context = Size(_tokens(preset.get("context")))
    prompt = _size(info, listed, "max_input_tokens")
    if context.tokens < inf and not prompt.told:
        prompt = Size()  # The list's is about the same, and knows less.
    answer = _told(info.get("max_output")) or _told(info.get("max_output_tokens"))
    if answer is None:
        answer = Size(_tokens(preset.get("max_output")))
        answer = answer if answer.tokens < inf else Size(_tokens(listed.get("max_output_tokens")))
    return Facts(model, can, cannot, by_own | by_preset | by_litellm, by_own, by_preset, prompt, context, answer)


def misfit(
    facts: Facts, needs: Needs, prompt: int, counted: int, learned: Mapping[str, Lack], now: float
) -> Misfit | None:
    """Why such a request is not sent to a model; None where it may be.

    prompt: its tokens by our estimate, which is generous. counted: what this model is known to count for that. learned:
    what it refused. now: epoch seconds.
    """
    found: list[Lacking] = []
    wanted = needs.abilities & ~facts.can
    suspect = wanted & (facts.cannot | facts.listed)
    for name in learned:
        suspect |= wanted & BIT.get(name, 0)
    if suspect:
        for name, bit in BIT.items():
            if not suspect & bit:
                continue
            lack = learned.get(name)
            if facts.cannot & bit:
                found.append(Lacking(name, f"{name}: not supported (the configuration says so)", True))
            elif lack is not None:
                if not lack.due(now):
                    found.append(Lacking(name, f"{name}: not supported ({_learned(lack)})", True, lack))
            elif facts.listed & bit:
                found.append(Lacking(name, f"{name}: not supported ({facts.who_lists(bit)} says so)", False))
    if needs.answer > facts.answer.tokens:
        found.append(Lacking(ANSWER, _too_long(needs.answer, facts.answer.tokens), facts.answer.told))
    elif needs.answer and not facts.answer.told:
        lack = learned.get(ANSWER)
        if lack is not None and not lack.due(now) and needs.answer > _bound(lack, needs.answer):
            reason = f"{_too_long(needs.answer, _bound(lack, needs.answer))} ({_learned(lack)})"
            found.append(Lacking(ANSWER, reason, True, lack))
    fits = CONTEXT not in learned and prompt + needs.answer <= facts.smallest
    if (
        needs.sized
        and not fits
        and (lacking := _sized(facts, needs.answer, prompt, counted, learned.get(CONTEXT), now))
    ):
        found.append(lacking)
    return Misfit(tuple(found)) if found else None


def _sized(facts: Facts, answer: int, prompt: int, counted: int, lack: Lack | None, now: float) -> Lacking | None:
    for least, most, size in (
        (prompt / PROMPT_FACTOR, counted, facts.prompt),
        (prompt / PROMPT_FACTOR + answer, counted + answer, facts.context),
    ):
        if least > size.tokens:
            return Lacking(CONTEXT, _too_large(least, size.tokens), size.told)
        if most > size.tokens:
            return Lacking(CONTEXT, _too_large(most, size.tokens), False)
    if lack is None or lack.due(now):
        return None
    least, most = prompt / PROMPT_FACTOR + answer, counted + answer
    if lack.size is not None and most > lack.size and not facts.context.told:
        needed = least if least > lack.size else most
        return Lacking(CONTEXT, f"{_too_large(needed, lack.size)} ({_learned(lack)})", least > lack.size, lack)
    if lack.refused and prompt + answer >= lack.refused:
        reason = f"context: about {_short(prompt + answer)} needed, {_short(lack.refused)} were refused"
        return Lacking(CONTEXT, f"{reason} ({_learned(lack)})", False, lack)
    return None


def applying(facts: Facts, needs: Needs, prompt: int, learned: Mapping[str, Lack]) -> tuple[tuple[str, Lack], ...]:
    """What such a request needs, and this model was seen to refuse, whether or not it is time to ask again."""
    found = [(name, lack) for name, lack in learned.items() if BIT.get(name, 0) & needs.abilities & ~facts.can]
    lack, tokens = learned.get(ANSWER), prompt + needs.answer
    if lack is not None and not facts.answer.told and needs.answer > _bound(lack, needs.answer):
        found.append((ANSWER, lack))
    lack = learned.get(CONTEXT) if needs.sized else None
    size = inf if lack is None or facts.context.told else lack.size or inf
    if lack is not None and (tokens >= (lack.refused or inf) or tokens > size):
        found.append((CONTEXT, lack))
    return tuple(found)


def told(need: str, lack: Lack) -> str:
    """What a model was seen to refuse, in words."""
    if need in (CONTEXT, ANSWER):
        most = _short(lack.size) if lack.size is not None else f"less than {_short(lack.refused)}"
        return f"{need}: {most} tokens ({_learned(lack)})"
    return f"{need}: not supported ({_learned(lack)})"


def names_of(abilities: int) -> tuple[str, ...]:
    """The abilities that are set among these bits."""
    return tuple(name for name, bit in BIT.items() if abilities & bit)


def _bound(lack: Lack, answer: int) -> float:
    """The longest answer that is not known to be refused."""
    return lack.size if lack.size is not None else (lack.refused or answer + 1) - 1


def _size(info: Mapping[str, Any], listed: Mapping[str, Any], name: str) -> Size:
    return _told(info.get(name)) or Size(_tokens(listed.get(name)))


def _told(value: Any) -> Size | None:
    tokens = _tokens(value)
    return Size(tokens, True) if tokens < inf else None


def _tokens(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and value > 0 else inf


def _learned(lack: Lack) -> str:
    return f"learned {str(iso(lack.seen))[:10]}, tried again {str(iso(lack.seen + ASKED_AGAIN))[:10]}"


def _too_long(asked: float, most: float) -> str:
    return f"max_tokens: {asked:g} asked, the model answers {most:g} at most"


def _too_large(needed: float, has: float) -> str:
    if _short(needed) == _short(has):
        return f"context: {needed:.0f} needed, {has:.0f} has"
    return f"context: {_short(needed)} needed, {_short(has)} has"


def _short(tokens: float) -> str:
    return f"{tokens:.0f}" if tokens < 10_000 else f"{tokens / 1000:.0f}k"
