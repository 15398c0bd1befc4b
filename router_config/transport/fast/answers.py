"""An answer's bytes as LiteLLM's ModelResponse, by LiteLLM's own reading of each provider's answers.

LiteLLM has one class for each provider that reads its answers (`transform_response`). Its name is private: it is used
only where it gives, for the same bytes, what the public way gave.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self
from uuid import uuid4

import httpx
import litellm
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails
from pydantic import BaseModel

from router_config.transport import seams

ARGUMENTS: Final = frozenset(
    {
        "model", "raw_response", "model_response", "logging_obj", "request_data", "messages", "optional_params",
        "litellm_params", "encoding", "api_key", "json_mode",
    }
)  # fmt: skip

OF_THE_ANSWER: Final = frozenset(
    {
        "additional_headers",
        "headers",
        "response_cost",
        "litellm_call_id",
        "model_id",
        "_response_ms",
        "litellm_overhead_time_ms",
        "callback_duration_ms",
        "optional_params",  # Taken away by LiteLLM in a thread, at a moment of its own.
    }
)
"""Hidden parameters that differ from one answer of a kind to the next."""

OF_THE_DEPLOYMENT: Final = frozenset({"api_base", "custom_llm_provider", "litellm_model_name", "region_name"})
"""Hidden parameters that are the same for all answers of a deployment."""

PREFIX: Final = "llm_provider-"


class Unlike(Exception):
    """An answer that is not read here."""


@dataclass(frozen=True, slots=True)
class HeaderNames:
    """Under which names LiteLLM keeps a provider's headers. bare: without a prefix, too. dropped: not at all.

    also: names of its own, and the headers whose values they have.
    """

    bare: frozenset[str]
    dropped: frozenset[str]
    also: tuple[tuple[str, str], ...]

    @classmethod
    def like(cls, hidden: Mapping[str, Any], response: httpx.Response) -> Self:
        kept, came = _of_the_provider(hidden), _lower_case(response)
        prefixed = {name for name in came if PREFIX + name in kept}
        others = [name for name in kept if name not in came and name.removeprefix(PREFIX) not in came]
        also = tuple((name, source) for name in others for source, value in came.items() if value == kept[name])
        return cls(frozenset(kept.keys() & came.keys()), frozenset(came.keys() - prefixed), also)

    def named(self, came: Mapping[str, str]) -> dict[str, str]:
        """The headers of an answer, given under names in lower case, as LiteLLM names them."""
        named = {name: came[name] for name in self.bare if name in came}
        named.update((name, came[source]) for name, source in self.also if source in came)
        named.update((PREFIX + name, value) for name, value in came.items() if name not in self.dropped)
        return named


def _lower_case(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _of_the_provider(hidden: Mapping[str, Any]) -> dict[str, str]:
    headers = dict(hidden.get("additional_headers") or {})
    return {name: value for name, value in headers.items() if not name.startswith("x-litellm-")}


def _as_it_came(response: httpx.Response) -> httpx.Response:
    return response


class _as_the_sdk_gives_it:
    """An answer as the openai SDK gives it to LiteLLM: what the provider left out is None."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def json(self) -> Any:
        answer = self._response.json()
        choices = [
            {**CHOICE, **choice, "message": {**MESSAGE, **(choice.get("message") or {})}}
            for choice in answer.get("choices") or ()
        ]
        usage = answer.get("usage")
        if usage is not None:
            usage = {**USAGE, **usage}
            for name, details in DETAILS.items():
                usage[name] = None if usage[name] is None else {**details, **usage[name]}
        return {**ANSWER, **answer, "choices": choices, "usage": usage}


def _left_out(model: type[BaseModel]) -> dict[str, None]:
    return {name: None for name, field in model.model_fields.items() if not field.is_required()}


ANSWER: Final = _left_out(ChatCompletion)
CHOICE: Final = _left_out(Choice)
MESSAGE: Final = _left_out(ChatCompletionMessage)
USAGE: Final = _left_out(CompletionUsage)
DETAILS: Final = {
    "completion_tokens_details": _left_out(CompletionTokensDetails),
    "prompt_tokens_details": _left_out(PromptTokensDetails),
}


class _NoListener:
    """Stands where LiteLLM's readers expect the request's logging object, of which nobody hears."""

    def __init__(self) -> None:
        self.optional_params: dict[str, Any] = {}
        self.litellm_params: dict[str, Any] = {}
        self.model_call_details: dict[str, Any] = {}
        self.stream = False
        self.litellm_call_id = ""

    def post_call(self, *_: Any, **__: Any) -> None: ...

    def pre_call(self, *_: Any, **__: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """How answers of one kind are read.

    prepare: what the reader is given for a response. hidden: what LiteLLM adds to each answer. copied: what it takes
    from the answer's JSON, and the keys it has there. headers: how it names the provider's headers. with_raw_headers:
    whether it keeps them as they came, too. prefix: what it puts before the model's name.
    """

    reader: Any
    prepare: Callable[[httpx.Response], Any]
    model: str
    hidden: Mapping[str, Any]
    copied: tuple[tuple[str, str], ...]
    headers: HeaderNames
    with_raw_headers: bool
    prefix: str = ""

    @classmethod
    def like(cls, asked: Mapping[str, Any], provider: str, reply: Any, response: httpx.Response) -> Self | None:
        """A reader of answers like this one, which the public way gave. None where there is none."""
        hidden = getattr(reply, "_hidden_params", None)
        if type(reply) is not litellm.ModelResponse or not isinstance(hidden, dict):
            return None
        found = reader(str(asked["model"]), provider)
        if found is None:
            return None
        lasting, copied = _constant_and_copied(_lasting(hidden), response)
        model, headers = str(asked["model"]).removeprefix(f"{provider}/"), HeaderNames.like(hidden, response)
        prefix = f"{provider}/" if str(reply.model).startswith(f"{provider}/") else ""
        for prepare in (_as_it_came, _as_the_sdk_gives_it):
            answers = cls(found, prepare, model, lasting, copied, headers, "headers" in hidden, prefix)
            if answers.agree(response, asked, reply):
                return answers
        return None

    def read(
        self,
        response: httpx.Response,
        asked: Mapping[str, Any],
        headers: Mapping[str, str],
        seconds: float,
        listener: Any = None,
    ) -> Any:
        """The answer. headers: with names in lower case. listener: LiteLLM's logging object, where there is one.

        Raises Unlike for an answer that only LiteLLM can read.
        """
        try:
            reply = self.reader.transform_response(
                model=self.model,
                raw_response=self.prepare(response),
                model_response=litellm.ModelResponse(),
                logging_obj=_NoListener() if listener is None else listener,
                request_data={},
                messages=asked["messages"],
                optional_params={},
                litellm_params={},
                encoding=None,
                api_key=asked.get("api_key"),
                json_mode=None,
            )
        except Exception as error:
            raise Unlike from error
        if self.prefix and not reply.model.startswith(self.prefix):
            reply.model = self.prefix + reply.model
        cost = _cost(reply, asked["model_info"])
        if cost is None:
            raise Unlike
        hidden: dict[str, Any] = {**self.hidden, **reply._hidden_params}
        if self.copied:
            came = response.json()
            hidden.update((name, came[key]) for name, key in self.copied if key in came and name not in hidden)
        hidden.update(
            additional_headers=self.headers.named(headers),
            response_cost=cost,
            litellm_call_id=str(uuid4()),
            model_id=asked["model_info"].get("id"),
            _response_ms=seconds * 1000,
        )
        if self.with_raw_headers:
            hidden["headers"] = dict(headers)
        reply._hidden_params = hidden
        return reply

    def agree(self, response: httpx.Response, asked: Mapping[str, Any], reply: Any) -> bool:
        """Whether this reading of an answer's bytes gives the answer that LiteLLM gave."""
        try:
            ours = self.read(response, asked, _lower_case(response), 0.0)
        except Unlike:
            return False
        theirs = reply._hidden_params
        told, expected = ours.model_dump(), reply.model_dump()
        for name in ("id", "created"):
            if f'"{name}"' not in response.text:
                told.pop(name, None), expected.pop(name, None)
        same_headers = ours._hidden_params["additional_headers"] == _of_the_provider(theirs)
        price = (asked["model_info"].get("input_cost_per_token"), asked["model_info"].get("output_cost_per_token"))
        cost, expected_cost = ours._hidden_params["response_cost"], theirs.get("response_cost")
        same_cost = price == (0, 0) or (
            isinstance(expected_cost, int | float) and abs(cost - expected_cost) <= 1e-9 + 1e-6 * abs(expected_cost)
        )
        same_hidden = _lasting(theirs) == _lasting(ours._hidden_params)
        return type(ours) is type(reply) and told == expected and same_headers and same_cost and same_hidden


def _lasting(hidden: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hidden.items() if name not in OF_THE_ANSWER}


def _constant_and_copied(
    hidden: Mapping[str, Any], response: httpx.Response
) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """What of an answer's hidden parameters is the same each time, and what is a value of its JSON, by name and key."""
    came = response.json()
    texts = {value: key for key, value in came.items() if isinstance(value, str)} if isinstance(came, dict) else {}
    copied = {
        name: texts[value]
        for name, value in hidden.items()
        if name not in OF_THE_DEPLOYMENT and isinstance(value, str) and value in texts
    }
    return {name: value for name, value in hidden.items() if name not in copied}, tuple(copied.items())


def _cost(reply: Any, model_info: Mapping[str, Any]) -> float | None:
    """Dollars by the deployment's price; None where tokens of special kinds have prices of their own."""
    prompt_price, answer_price = model_info.get("input_cost_per_token"), model_info.get("output_cost_per_token")
    if prompt_price is None or answer_price is None:
        return None
    if prompt_price == 0 == answer_price:
        return 0.0
    usage = getattr(reply, "usage", None)
    if usage is None:
        return None
    for details in DETAILS:
        kinds = getattr(usage, details, None)
        if kinds is not None and any(value for name, value in dict(kinds).items() if name != "text_tokens"):
            return None
    return float(usage.prompt_tokens * prompt_price + usage.completion_tokens * answer_price)


@cache
def reader(model: str, provider: str) -> Any:
    """LiteLLM's reader of a model's answers, or None. model: with LiteLLM's prefix."""
    try:
        found = configuration(model.removeprefix(f"{provider}/"), provider)
        parameters = inspect.signature(found.transform_response).parameters
    except Exception as error:
        seams.note(f"answers of {provider}", f"LiteLLM has no reader of them under the name known here: {error!r}")
        return None
    if not parameters.keys() >= ARGUMENTS:
        seams.note(f"answers of {provider}", "LiteLLM's reader of them takes other arguments")
        return None
    seams.note(f"answers of {provider}", None)
    return found


def configuration(model: str, provider: str) -> Any:
    """LiteLLM's class for a provider's chats. Raises what there is to raise when its name is gone."""
    from litellm.types.utils import LlmProviders
    from litellm.utils import ProviderConfigManager

    return ProviderConfigManager.get_provider_chat_config(model=model, provider=LlmProviders(provider))
