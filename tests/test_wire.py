"""What leaves for a provider, how often, and how much of its answer is read, over both ways and kinds of clients."""

import gzip
import json
import resource
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rig import message
from rig_upstream import ANSWER, FORMATS, STREAMS, Asked, answer, entry, upstream

from router_config import NoProviderAvailable, Router

pytestmark = pytest.mark.contract

FAST_ONES = {"groq", "openai", "openrouter", "together_ai", "gemini"}
WAYS = {"fast": True, "public": False}


@contextmanager
def router(entries: list[dict[str, Any]], **settings: Any) -> Iterator[Router]:
    made = Router(entries, **{"timeout": 10.0, **settings})
    try:
        yield made
    finally:
        made.close()


def used(of: Router, provider: str) -> int:
    (shown,) = [each for each in of.status()["providers"] if each["name"] == provider]
    return int(shown["usage_today"]["requests"])


def reading(of: Router, stream: bool = False, **told: Any) -> str:
    reply: Any = of.completion("default", message(), stream=stream, **told)
    if stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)
    return str(reply.choices[0].message.content)


KINDS = pytest.mark.parametrize("prefix", FORMATS)
FAST = pytest.mark.parametrize("fast", WAYS.values(), ids=WAYS)
STREAMING = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def said(prefix: str, stream: bool) -> bytes:
    return answer(STREAMS[prefix], content_type="text/event-stream") if stream else answer(FORMATS.get(prefix, ANSWER))


@KINDS
@FAST
def test_no_redirect_leads_elsewhere(prefix: str, fast: bool) -> None:
    location, status = "", 0

    def script(_: Asked) -> bytes:
        return answer(b"", status, {"location": location}) if location else answer(FORMATS[prefix])

    with (
        upstream(lambda _: answer(FORMATS[prefix])) as elsewhere,
        upstream(lambda _: answer(ANSWER)) as healthy,
        upstream(script) as named,
    ):
        entries = [entry(prefix, named.address, priority=1), entry("nebius", healthy.address, priority=2)]
        with router(entries, fast_path=fast) as asked:
            for _ in range(3):
                assert reading(asked) == "Hold."
            assert asked.status()["fast_path"] is (fast and prefix in FAST_ONES)
            own, other = (each.address.rpartition(":")[2] for each in (named, elsewhere))
            targets = (
                f"http://localhost:{own}/v1", f"http://127.0.0.1:{other}/v1", f"https://127.0.0.1:{own}/v1",
                f"//127.0.0.1:{other}/v1", f"http://127.0.0.1:{own}@127.0.0.1:{other}/", "http://[", "",
            )  # fmt: skip
            cases = [(status, location) for status in (301, 302, 303, 307, 308) for location in targets]
            for status, location in cases:  # noqa: B007
                assert reading(asked, ignore_cooldowns=True) == "Hold."
        assert not elsewhere.connections
        assert len(named.asked) == 3 + len([location for _, location in cases if location]) + 5


@KINDS
@FAST
@STREAMING
def test_two_redirects_within_a_host_are_followed_and_counted(prefix: str, stream: bool, fast: bool) -> None:
    hops = 0

    def script(asked: Asked) -> bytes:
        at = int(asked.line.partition("hop=")[2].partition(" ")[0] or 0)
        return answer(b"", 307, {"location": f"/moved?hop={at + 1}"}) if at < hops else said(prefix, stream)

    with (
        upstream(script) as named,
        upstream(lambda _: said("nebius", stream)) as healthy,
        router(
            [entry(prefix, named.address, priority=1), entry("nebius", healthy.address, priority=2)], fast_path=fast
        ) as asked,
    ):
        for _ in range(3):
            assert reading(asked, stream) == "Hold."
        hops = 2
        assert reading(asked, stream) == "Hold."
        assert (len(named.asked), used(asked, prefix)) == (6, 6)
        assert named.asked[-1].body == named.asked[-3].body
        hops = 3
        assert reading(asked, stream) == "Hold."
        assert (len(named.asked), len(healthy.asked), used(asked, prefix)) == (9, 1, 9)


@KINDS
@FAST
@STREAMING
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_connection_that_was_closed_before_the_answer_is_made_anew_once(
    prefix: str, stream: bool, reset: bool, fast: bool
) -> None:
    closes = 0

    def script(asked: Asked) -> bytes | None:
        nonlocal closes
        if closes and asked.before:
            closes -= 1
            if reset:
                asked.reset()
            return None
        return said(prefix, stream)

    with upstream(script) as named, router([entry(prefix, named.address)], fast_path=fast) as asked:
        for _ in range(3):
            assert reading(asked, stream) == "Hold."
        closes = 1
        assert reading(asked, stream) == "Hold."
        assert (len(named.asked), named.connections, used(asked, prefix)) == (5, 2, 5)
        (provider,) = asked.status()["providers"]
        assert provider["status"] == "available"


@KINDS
def test_a_new_connection_that_is_closed_is_a_failure(prefix: str) -> None:
    with (
        upstream(lambda _: None) as named,
        upstream(lambda _: answer(ANSWER)) as healthy,
        router([entry(prefix, named.address, priority=1), entry("nebius", healthy.address, priority=2)]) as asked,
    ):
        assert reading(asked) == "Hold."
        assert (len(named.asked), used(asked, prefix)) == (1, 1)


def _bomb(megabytes: int, window: int = 31) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return b"".join([*(packer.compress(b" " * 1_000_000) for _ in range(megabytes)), packer.flush()])


BOMB = _bomb(8)
BODIES = {
    "gzip": answer(BOMB, headers={"content-encoding": "gzip"}),
    "deflate": answer(_bomb(8, 15), headers={"content-encoding": "deflate"}),
    "gzip twice": answer(gzip.compress(BOMB), headers={"content-encoding": "gzip, gzip"}),
    "plain": answer(b" " * 8_000_000),
    "without a length": answer(b" " * 8_000_000, headers={"content-length": "", "connection": "close"}),
    "an error": answer(BOMB, 500, {"content-encoding": "gzip"}),
    "a stream": answer(BOMB, headers={"content-encoding": "gzip"}, content_type="text/event-stream"),
    "a stream of lines": answer(b": %s\n\n" % (b"-" * 10_000) * 800, content_type="text/event-stream"),
    "not asked for": answer(b"\x0b\x02", headers={"content-encoding": "br"}),
    "many": answer(b"", headers={"content-encoding": "gzip, " * 50 + "gzip"}),
}


@KINDS
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_too_large_is_the_providers_error(prefix: str, body: str) -> None:
    stream = "stream" in body
    with (
        upstream(lambda asked: None if asked.before and body == "without a length" else BODIES[body]) as named,
        upstream(lambda _: said("nebius", stream)) as healthy,
        router(
            [entry(prefix, named.address, priority=1), entry("nebius", healthy.address, priority=2)],
            max_response=4_000_000,
        ) as asked,
    ):
        assert reading(asked, stream) == "Hold."
        assert len(named.asked) == 1
        shown = {each["name"]: each["status"] for each in asked.status()["providers"]}
        assert shown[prefix] == "cooldown"


def test_a_bomb_of_500_mb_costs_less_than_100_mb() -> None:
    bomb = answer(_bomb(500), headers={"content-encoding": "gzip"})
    with (
        upstream(lambda _: bomb) as named,
        router([entry("groq", named.address)], fast_path=False) as asked,
    ):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(NoProviderAvailable):
            reading(asked)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw", "identity"])
@FAST
@KINDS
def test_compressed_answers_are_read(prefix: str, encoding: str, fast: bool) -> None:
    plain = json.dumps(FORMATS[prefix]).encode()
    window = {"gzip": 31, "deflate": 15, "raw": -15, "identity": 0}[encoding]
    packer = zlib.compressobj(9, zlib.DEFLATED, window) if window else None
    content = packer.compress(plain) + packer.flush() if packer else plain
    told = {"content-encoding": "deflate" if encoding == "raw" else encoding}
    with (
        upstream(lambda _: answer(content, headers=told)) as named,
        router([entry(prefix, named.address)], fast_path=fast) as asked,
    ):
        for _ in range(4):
            assert reading(asked) == "Hold."
        assert asked.status()["fast_path"] is (fast and prefix in FAST_ONES)


@pytest.mark.parametrize("largest", [150, 100_000])
def test_the_limit_is_configured(largest: int) -> None:
    with (
        upstream(lambda _: answer({**ANSWER, "padding": "-" * 2 * largest})) as named,
        router([entry("groq", named.address)], max_response=largest) as asked,
        pytest.raises(NoProviderAvailable),
    ):
        reading(asked)


@KINDS
@FAST
@STREAMING
def test_headers_of_64_kb_are_accepted(prefix: str, stream: bool, fast: bool) -> None:
    told = said(prefix, stream).replace(b"\r\n\r\n", b"\r\nx-long: " + b"-" * 65_000 + b"\r\n\r\n", 1)
    with upstream(lambda _: told) as named, router([entry(prefix, named.address)], fast_path=fast) as asked:
        for _ in range(4):
            assert reading(asked, stream) == "Hold."
