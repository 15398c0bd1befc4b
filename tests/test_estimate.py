"""The estimate is an upper bound for real tokenizers' counts, and costs microseconds."""

import asyncio
import base64
import json
import random
import time
import timeit
from typing import Any

import pytest
from litellm.litellm_core_utils.default_encoding import encoding
from rig import message
from rig_ledger import START, Place

from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.meters import Limit
from router_config.ledger.values import Settlement
from router_config.routing.estimate import kind_of, need_of, tokens_of

TEXTS = {
    "prose": "The market opened higher today as traders weighed the central bank's statement on rates. " * 40,
    "prices": " ".join(f"{random.Random(7).random() * 100 + n:.4f}" for n in range(400)),
    "json": json.dumps([{"symbol": "EURUSD", "bid": 1.0843 + n, "ask": 1.0845 + n} for n in range(100)]),
    "code": "def add(a: int, b: int) -> int:\n    return a + b  # sums two numbers\n\n" * 50,
    "chinese": "市场今天高开 交易员正在权衡央行关于利率的声明。" * 60,
    "russian": "Рынок сегодня открылся ростом, трейдеры оценивают заявление центрального банка. " * 40,
    "emoji": "🚀📈💎🙌 " * 200,
    "upper case": "BUY EURUSD NOW AND SELL GBPJPY AT MARKET " * 60,
}


@pytest.mark.parametrize("name", TEXTS)
def test_it_is_no_lower_than_the_count_of_a_real_tokenizer(name: str) -> None:
    text = TEXTS[name]
    real = len(encoding.encode(text, disallowed_special=()))
    assert real <= tokens_of(text) <= 3.5 * real


def test_a_long_text_with_all_its_digits_at_the_end_is_judged_by_samples_of_the_whole() -> None:
    text = TEXTS["prose"] * 5 + TEXTS["prices"] * 10
    assert tokens_of(text) >= len(encoding.encode(text))


def test_a_hundred_kilobytes_cost_microseconds() -> None:
    text = TEXTS["prose"] * 30
    assert len(text) > 100_000
    assert min(timeit.repeat(lambda: tokens_of(text), number=100, repeat=5)) / 100 < 100e-6


def test_estimating_a_hundred_kilobytes_costs_no_more_than_the_reservation_that_it_is_for() -> None:
    messages = message((TEXTS["prose"] * 30)[:100_000])
    store, small = MemoryStore(), Place("small", (Limit("rpm", 1e9), Limit("tpm", 1e9)))

    async def cheapest(rounds: int) -> tuple[float, float]:
        estimates, reservations = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            need = need_of({"messages": messages}, 500)
            estimated = time.perf_counter()
            _, lease = await store.reserve([small], need, START, 600.0)
            assert lease
            await store.settle(lease, Settlement(lease.amount, START, START), START)
            estimates.append(estimated - began)
            reservations.append(time.perf_counter() - estimated)
        return min(estimates), min(reservations)

    estimate, reservation = asyncio.run(cheapest(500))
    assert estimate <= reservation


def test_a_request_needs_its_prompt_and_its_answer() -> None:
    need = need_of({"messages": message("hi"), "max_tokens": 990}, 500)
    assert 990 < need.tokens <= 1000
    assert need.prompt_tokens == need.tokens - 990


@pytest.mark.parametrize(
    ("extra", "answer"),
    [
        ({}, 500),
        ({"max_completion_tokens": 70}, 70),
        ({"max_tokens": 70, "n": 3}, 210),
        ({"max_tokens": "many"}, 500),
        ({"max_tokens": True}, 500),
        ({"max_tokens": None}, 500),
    ],
)
def test_the_answer_is_what_the_caller_bounds_or_a_guess(extra: dict[str, object], answer: int) -> None:
    need = need_of({"messages": message(), **extra}, 500)
    assert need.tokens - need.prompt_tokens == answer


def test_an_embedding_answers_no_tokens() -> None:
    need = need_of({"input": ["some words", "and more"]}, 500)
    assert need.tokens == need.prompt_tokens > 0


def test_tools_images_and_lists_of_parts_count() -> None:
    plain = need_of({"messages": message()}, 0).tokens
    tool = {"type": "function", "function": {"name": "price", "parameters": {"type": "object", "properties": {}}}}
    assert need_of({"messages": message(), "tools": [tool]}, 0).tokens > plain
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:" + "A" * 99999}},
    ]
    assert plain + 1000 < need_of({"messages": [{"role": "user", "content": parts}]}, 0).tokens < 3000


@pytest.mark.parametrize("messages", [None, [], "text", [None], [{"role": "user", "content": None}], [{"content": 7}]])
def test_messages_of_any_shape_have_an_estimate(messages: object) -> None:
    assert need_of({"messages": messages}, 10).tokens >= 0


BLOBS = {
    "base64": base64.b64encode(random.Random(1).randbytes(3000)).decode(),
    "wrapped base64": base64.encodebytes(random.Random(1).randbytes(3000)).decode(),
    "hex": random.Random(2).randbytes(2000).hex(),
    "keys": " ".join(random.Random(n).randbytes(20).hex() for n in range(60)),
    "a blob in prose": TEXTS["prose"][:800] + base64.b64encode(random.Random(3).randbytes(800)).decode(),
    "rows of signs": ("_" * 70 + "\n") * 20 + ("=" * 70 + "\n") * 20,
}


@pytest.mark.parametrize("name", BLOBS)
def test_what_is_no_sentence_is_not_below_the_count_of_a_real_tokenizer(name: str) -> None:
    real = len(encoding.encode(BLOBS[name], disallowed_special=()))
    assert real <= tokens_of(BLOBS[name]) <= 7 * real


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"messages": message("Buy or sell?")}, "prose"),
        ({"messages": message(TEXTS["json"])}, "code"),
        ({"messages": message(TEXTS["russian"])}, "foreign"),
        ({"messages": message(BLOBS["hex"])}, "dense"),
        ({"messages": message(), "tools": [{}]}, "tools"),
        ({"input": TEXTS["chinese"]}, "foreign"),
        ({"input": ["a"]}, "prose"),
        ({"messages": None}, "prose"),
        ({"messages": [None, {"content": None}, {"content": [{"text": "a"}]}]}, "prose"),
    ],
)
def test_the_kind_of_a_prompt_is_that_of_its_longest_message(request_: dict[str, object], kind: str) -> None:
    assert kind_of(request_) == kind


@pytest.mark.parametrize(
    ("part", "least", "most"),
    [
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64," + "A" * 1_300_000}}, 50_000, 100_000),
        ({"type": "document", "source": {"type": "base64", "data": "A" * 1_300_000}}, 50_000, 100_000),
        ({"type": "document", "source": {"type": "url", "url": "https://a.b/c.pdf"}}, 1600, 1700),
        ({"type": "document", "source": {"type": "text", "data": "word " * 4000}}, 4_000, 8_000),
        ({"type": "input_audio", "input_audio": {"data": "A" * 1_300_000, "format": "mp3"}}, 2_000, 20_000),
        ({"type": "input_image", "image_url": "data:" + "A" * 1_300_000}, 1000, 3000),
    ],
)
def test_documents_and_recordings_count_by_their_content_and_not_by_their_letters(
    part: dict[str, Any], least: int, most: int
) -> None:
    assert least <= need_of({"messages": [{"role": "user", "content": [part]}]}, 0).prompt_tokens <= most
    assert least <= need_of({"input": [{"role": "user", "content": [part]}]}, 0, None, "aresponses").tokens <= most


def test_an_answer_of_responses_is_reserved_where_nobody_bounds_it() -> None:
    need = need_of({"input": "hello"}, 500, None, "aresponses")
    assert need.tokens - need.prompt_tokens == 500
    assert need_of({"input": "hello"}, 500, None, "aembedding").tokens < 10
    bounded = need_of({"contents": "hello", "config": {"maxOutputTokens": 70}}, 500, None, "agenerate_content")
    assert bounded.tokens - bounded.prompt_tokens == 70


@pytest.mark.parametrize("name", ["system", "instructions", "contents", "prompt"])
def test_each_endpoints_own_place_of_a_prompt_counts(name: str) -> None:
    assert need_of({"messages": message(), name: "word " * 1000}, 0).prompt_tokens > 1000


def test_tokens_that_are_given_count_as_they_are() -> None:
    assert need_of({"prompt": list(range(1000))}, 0).prompt_tokens == 1000 + 0
    assert need_of({"input": [[1] * 500, [2] * 500]}, 0).prompt_tokens == 1000
