"""Any JSON and any number may stand where a provider reports its tokens."""

import json
from math import isfinite
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from router_config.signals.usage import Reported, Usage, readable, reported, usage_in

MOST = 200_000

numbers = some.one_of(some.integers(), some.floats(), some.integers(10**15, 10**400), some.sampled_from([10**5000, 0]))
values = some.one_of(some.none(), some.booleans(), numbers, some.text(), some.lists(some.integers()))
names = some.sampled_from(
    [
        "prompt_tokens", "completion_tokens", "total_tokens", "promptTokenCount", "candidatesTokenCount",
        "totalTokenCount", "prompt_tokens_details", "completion_tokens_details", "cost", "service_tier",
    ]
)  # fmt: skip
usages = some.one_of(values, some.dictionaries(names, some.one_of(values, some.dictionaries(some.text(), values))))


@given(values, values, values)
@example(10**12, 7, 5)
@example(2**63, 2**63, 5)
@example(float("nan"), 7, 5)
@example(-12, -7, -5)
@example(None, 150_000, 150_000)
def test_no_report_counts_less_than_nothing_or_more_than_the_request_could_use(
    total: object, prompt: object, answer: object
) -> None:
    told = reported(total, prompt, answer, MOST)
    if told.usage is not None:
        assert 0 <= told.usage.prompt <= told.usage.total <= MOST
        assert type(told.usage.total) is int
    assert "\n" not in told.implausible
    assert len(told.implausible) < 100


@given(usages, some.sampled_from(["usage", "usageMetadata"]))
def test_any_usage_is_made_readable_and_the_rest_of_the_answer_stays(usage: Any, name: str) -> None:
    answer = {"id": "one", "choices": [{"message": {"content": '"usage": {"total_tokens": -1}'}}]}
    body = _text({**answer, name: usage})
    document = json.loads(readable(body))
    found = document.pop(name)
    assert document == answer
    usage_in(body, MOST)
    assert found is None or isinstance(found, dict)
    for key, value in (found or {}).items():
        if "etails" in key:
            assert value is None or isinstance(value, dict | list)
        elif "oken" in key:
            assert value is None or (type(value) is int and 0 <= value < 10**12)
        elif isinstance(value, float):
            assert isfinite(value)


@given(some.integers(0, 9000), some.integers(4301, 9000))
@example(0, 4301)
def test_a_number_of_any_length_may_stand_anywhere(before: int, digits: int) -> None:
    for place in (b'{"id": %s%d}', b'{"usage": {"cost": {"total": [%s%d]}}}', b'{"usage": {"cost": -%s%d}, "a": 1}'):
        body = b" " * before + place % (b"7" * (digits - 1), 7)
        assert json.loads(readable(body))
        usage_in(body, MOST)


@given(some.binary())
def test_bytes_that_are_no_json_stay_as_they_are(body: bytes) -> None:
    assert readable(b'{"usage": -1' + body + b"]") == b'{"usage": -1' + body + b"]"
    assert usage_in(body).usage is None


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}, Reported(Usage(12, 7))),
        ({"prompt_tokens": 7, "completion_tokens": 5}, Reported(Usage(12, 7))),
        (
            {"prompt_tokens": 7, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
            Reported(Usage(12, 7, 4)),
        ),
        ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}, Reported(Usage(12, 7, 4))),
        ({"prompt_tokens": 7, "completion_tokens": 5, "cached_tokens": 4}, Reported(Usage(12, 7, 4))),
        (
            {"promptTokenCount": 7, "candidatesTokenCount": 5, "cachedContentTokenCount": 4},
            Reported(Usage(12, 7, 4)),
        ),
        ({"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 4}, Reported(Usage(12, 7, 4))),
        ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_cache_hit_tokens": 9}, Reported(Usage(12, 7))),
        ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_cache_hit_tokens": -1}, Reported(Usage(12, 7))),
        ({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 40}, Reported(Usage(40, 7))),
        ({"prompt_tokens": 7, "completion_tokens": 5.0, "total_tokens": 12}, Reported(Usage(12, 7))),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Reported(None)),
        ({"prompt_tokens": 7}, Reported(None)),
        ({"output_tokens": 5}, Reported(None)),
        ({"prompt_tokens": 7, "completion_tokens": 5, "cost": -1.5}, Reported(Usage(12, 7), "cost: -1.5")),
        ({"total_tokens": "12"}, Reported(None, "total tokens: '12'")),
        ("many", Reported(None, "usage: 'many'")),
        (None, Reported(None)),
    ],
)
def test_what_is_believed(usage: object, told: Reported) -> None:
    assert usage_in(_text({"usage": usage})) == told


def test_an_answer_that_reports_as_it_should_is_not_parsed() -> None:
    usage = {
        "prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12, "cost": 0.5,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": None}, "total_time": 0.25,
    }  # fmt: skip
    gemini = {"promptTokenCount": 7, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}]}
    for document in ({"usage": usage, "x_groq": {"usage": usage}}, {"usageMetadata": gemini}, {"usage": None}):
        body = json.dumps(document).encode()
        assert readable(body) is body


def _text(document: dict[str, Any]) -> bytes:
    """JSON with numbers of any length."""
    return _Digits().encode(document).encode("utf-8", "surrogatepass")


class _Digits(json.JSONEncoder):
    def encode(self, o: Any) -> str:
        if isinstance(o, dict):
            return "{" + ", ".join(f"{json.dumps(key)}: {self.encode(value)}" for key, value in o.items()) + "}"
        if isinstance(o, list):
            return "[" + ", ".join(map(self.encode, o)) + "]"
        return "1" + "0" * 5000 if isinstance(o, int) and not isinstance(o, bool) and o == 10**5000 else json.dumps(o)
