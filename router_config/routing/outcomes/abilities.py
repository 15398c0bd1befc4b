"""What a refusal teaches of a model: which of the abilities that the request needs it is without."""

from router_config.deployments.abilities import ANSWER, CONTEXT, names_of
from router_config.deployments.learned_abilities import LearnedAbilities
from router_config.routing.request import Flight
from router_config.signals import Kind, Verdict
from router_config.signals.missing_abilities import ATTACHED, FORMAT

FORMATS = frozenset({"json_object", "json_schema"})
ATTACHMENTS = frozenset({"images", "audio", "pdf"})


def learn_refusal(flight: Flight, verdict: Verdict, abilities: LearnedAbilities, now: float) -> bool:
    """Note what this model lacks, by its own words and what the request needs. True where that is new.

    Where two of the needs may be meant together, nothing is learned.
    """
    request, model = flight.request, flight.deployment.same_model
    needs, learned = request.needs, abilities.changes
    needs = needs._replace(abilities=needs.abilities | flight.asks_format)
    if not needs.abilities and not needs.sized:
        return False
    prompt, answer = request.need.prompt_tokens, needs.answer
    if verdict.answers is not None and answer > verdict.answers:
        abilities.refused(model, ANSWER, now, verdict.answers, answer)
    elif verdict.kind is Kind.context_window:
        taken = verdict.takes
        plausible = taken is not None and taken < prompt + answer
        abilities.refused(model, CONTEXT, now, taken if plausible else None, prompt + answer)
    for ability in taught(verdict, frozenset(names_of(needs.abilities))):
        abilities.refused(model, ability, now)
    return abilities.changes != learned


def taught(verdict: Verdict, needed: frozenset[str]) -> tuple[str, ...]:
    """Of the abilities that a request needs those that this refusal says the model is without."""
    found: dict[str, None] = {}
    for ability, beside in verdict.lacks:
        meant = needed & _meant(ability, needed)
        if len(meant) == 1 and not beside & needed - meant:
            found.update(dict.fromkeys(meant))
    return tuple(found)


def _meant(ability: str, needed: frozenset[str]) -> frozenset[str]:
    if ability == FORMAT:
        return FORMATS
    if ability == ATTACHED:
        return ATTACHMENTS
    if ability == "tools" and ability not in needed:  # LiteLLM makes a tool of a schema for Groq and some others.
        return frozenset({"json_schema"})
    return FORMATS if ability in FORMATS else frozenset({ability})
