"""What refusals teach of a model, by the words of providers: a wrong lesson is worse than none."""

import pytest

from router_config.deployments.abilities import ABILITIES, ANSWER, CONTEXT
from router_config.routing.outcomes.abilities import taught
from router_config.signals import Hold, Kind, Reply, Verdict, read

from .ordinary_failures import ORDINARY
from .unfitness import TOLD, Told

NOW = 1_795_435_200.0


def verdict_on(prefix: str, status: int, text: str | dict[str, object]) -> Verdict:
    body = text if isinstance(text, dict) else {"error": {"message": text, "type": "invalid_request_error"}}
    verdict = read(prefix, Reply(status, {}, body), NOW).verdict
    assert verdict is not None
    return verdict


def lessons(verdict: Verdict, needs: str) -> dict[str, int | None]:
    found: dict[str, int | None] = dict.fromkeys(taught(verdict, frozenset(needs.split())))
    if verdict.answers is not None:
        found[ANSWER] = verdict.answers
    elif verdict.kind is Kind.context_window:
        found[CONTEXT] = verdict.takes
    return found


@pytest.mark.parametrize("told", TOLD, ids=[each.quoted for each in TOLD])
def test_a_refusal_teaches_what_it_says_and_the_next_provider_is_asked(told: Told) -> None:
    verdict = verdict_on(told.prefix, told.status, told.text)
    assert lessons(verdict, told.needs) == ({told.teaches: told.most} if told.teaches else {})
    if told.teaches:
        assert verdict.retry
        assert verdict.hold is Hold.none


@pytest.mark.parametrize(("prefix", "status", "text"), ORDINARY)
def test_a_failure_of_another_kind_teaches_nothing_whatever_the_request_needs(
    prefix: str, status: int, text: str
) -> None:
    verdict = verdict_on(prefix, status, text)
    assert [need for need in ABILITIES if taught(verdict, frozenset({need}))] == []


def test_without_tools_a_refusal_of_tools_is_about_the_schema_that_litellm_made_one_of() -> None:
    verdict = verdict_on("groq", 400, "`tool calling` is not supported with this model")
    assert lessons(verdict, "json_schema images") == {"json_schema": None}
    assert lessons(verdict, "json_schema tools") == {"tools": None}
    assert lessons(verdict, "images") == {}
