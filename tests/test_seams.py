"""Where a private name that the door leans on is gone, the public way serves, and somebody is told."""

from collections.abc import Iterator
from typing import Any

import litellm
import pytest
from litellm.integrations.custom_logger import CustomLogger
from rig import MODELS, MakeRouter, message
from rig_callbacks import callbacks_put_back

from router_config.simulator import Simulator
from router_config.transport import client_lookup, clients, public_way, seams
from router_config.transport.fast import answers, listeners, litellm_settings

pytestmark = pytest.mark.contract


def gone(*_: Any, **__: Any) -> Any:
    raise AttributeError("gone in this LiteLLM")


def _no_reader(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(answers, "configuration", gone)


def _other_reader(patch: pytest.MonkeyPatch) -> None:
    class Reader:
        def transform_response(self, answer: Any) -> Any:
            return answer

    patch.setattr(answers, "configuration", lambda model, provider: Reader())


def _wrong_reader(patch: pytest.MonkeyPatch) -> None:
    class Reader:
        def transform_response(
            self,
            model: Any,
            raw_response: Any,
            model_response: Any,
            logging_obj: Any,
            request_data: Any,
            messages: Any,
            optional_params: Any,
            litellm_params: Any,
            encoding: Any,
            api_key: Any = None,
            json_mode: Any = None,
        ) -> Any:
            return model_response

    patch.setattr(answers, "configuration", lambda model, provider: Reader())


def _no_defaults(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(litellm_settings, "defaults_in_source", dict)


def _no_decorator(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(litellm, "client")


def _no_watch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(clients, "_guess", lambda *_: [])
    patch.setattr(client_lookup, "CACHE", "elsewhere")


SEAMS = {
    "no reader of answers": _no_reader,
    "a reader with other arguments": _other_reader,
    "a reader that reads something else": _wrong_reader,
    "no defaults of settings": _no_defaults,
    "no decorator for callbacks": _no_decorator,
    "no client of ours": _no_watch,
}


class Counting(CustomLogger):
    def __init__(self) -> None:
        super().__init__()
        self.told = 0

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.told += 1


@pytest.fixture(autouse=True)
def _probed_anew() -> Iterator[None]:
    caches = (answers.reader, listeners.wrapped, public_way.spares_mcp)
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


@pytest.mark.parametrize("missing", SEAMS.values(), ids=SEAMS)
def test_requests_are_answered_and_counted_without_it(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, missing: Any
) -> None:
    missing(monkeypatch)
    with callbacks_put_back():
        if missing is _no_decorator:
            litellm.callbacks.append(Counting())
        router = make_router(providers={name: None for name in MODELS if name != "groq"})
        for _ in range(5):
            reply: Any = router.completion("default", message())
            assert reply.choices[0].message.content.startswith("Simulated answer")
        assert simulator.count("groq") == 5
        shown = router.status()
        assert shown["fast_path"] is False
        assert shown["providers"][0]["usage_today"]["requests"] == 5
        assert shown["providers"][0]["usage_today"]["tokens"] == simulator.summary()["groq"]["tokens"]


@pytest.mark.parametrize("missing", [_no_reader, _other_reader, _no_decorator])
def test_a_seam_that_is_off_says_why(make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch, missing: Any) -> None:
    missing(monkeypatch)
    with callbacks_put_back():
        if missing is _no_decorator:
            litellm.callbacks.append(Counting())
        router = make_router(providers={name: None for name in MODELS if name != "groq"})
        for _ in range(3):
            router.completion("default", message())
    off = {seam.name: seam.off for seam in seams.all_probed() if seam.off is not None}
    assert off
    assert all("LiteLLM" in why for why in off.values())
    for name in off:  # Other tests probe again.
        seams.note(name, None)
