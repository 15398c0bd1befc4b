"""BaseAgent: what an agent inherits to ask the router, and the request that it makes of its attributes."""

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .shared_router import ashared_router, shared_router
from .structured import Dialogue

if TYPE_CHECKING:
    import litellm
    from pydantic import TypeAdapter

    from router_config import Router

T = TypeVar("T")

Message: TypeAlias = "Mapping[str, Any] | litellm.Message"
"""A message as chat completions take it: `{"role": "user", "content": "..."}`, or the one of a reply."""


class BaseAgent:
    """The base class of agents that are answered by whichever provider has room.

    A subclass sets what it wants to differ, on the class or on an instance, and calls the methods. It needs no
    `__init__`, and one of its own need not call this one. What has a `name` is called that in the log of decisions on
    the dashboard, else by its class; by that name `classes:` of the file know it. Every method takes LiteLLM's
    parameters for one request (`model=`, `max_tokens=`, `temperature=`, `tools=`, ...), which win over the agent's.

    All methods raise NoProviderAvailable when nothing can serve the request now, LiteLLM's own error when the request
    is itself at fault, and ConfigError when the agent has no router and `litellm.yaml` cannot be used.

    The synchronous methods work wherever they are called, in threads and in a notebook's cell. Called from a coroutine
    they hold up its event loop until the answer is there; await `aask`, `achat`, `astream` and `aask_for` there.
    """

    system_prompt: str = ""
    """Stands before every request's messages; empty: nothing does."""

    model: str = "default"
    """A group of litellm.yaml, an alias, or one deployment."""

    temperature: float | None = None
    """None: the deployment's own."""

    litellm_params: Mapping[str, Any] | None = None
    """Sent with every request, such as `{"max_tokens": 300}`."""

    if TYPE_CHECKING:
        router: "Router | None"
    else:  # Without an annotation, for pydantic would want its type from agents that are models.
        router = None
    """None: the one that all agents of the process share, made from `litellm.yaml`; see `use_router`."""

    def __init__(self, *args: Any, router: "Router | None" = None, **kwargs: Any) -> None:
        """`router` is this agent's own; everything else goes to the next base class."""
        if router is not None:
            self.router = router
        super().__init__(*args, **kwargs)

    def ask(self, prompt: str, **litellm_params: Any) -> str:
        """The answer's text; empty when the model answered with none."""
        return _text_of(_complete(self, [_user(prompt)], litellm_params))

    async def aask(self, prompt: str, **litellm_params: Any) -> str:
        """`ask()` for coroutines."""
        return _text_of(await _acomplete(self, [_user(prompt)], litellm_params))

    def chat(self, messages: Sequence[Message], **litellm_params: Any) -> "litellm.ModelResponse":
        """LiteLLM's reply to a whole conversation, which `route_of` takes, too.

        The system prompt stands before `messages`, unless they begin with one of their own.
        """
        reply: litellm.ModelResponse = _complete(self, messages, litellm_params)
        return reply

    async def achat(self, messages: Sequence[Message], **litellm_params: Any) -> "litellm.ModelResponse":
        """`chat()` for coroutines."""
        reply: litellm.ModelResponse = await _acomplete(self, messages, litellm_params)
        return reply

    def stream(self, prompt: str, **litellm_params: Any) -> Generator[str, None, None]:
        """The answer's text, piece by piece as it comes. The request is sent when the first piece is asked for.

        Breaking off early is fine: the request ends, and what it has used is settled. A provider that fails after the
        first piece raises, since another's answer would begin anew.
        """
        chunks = _router_of(self).completion(**_request(self, [_user(prompt)], litellm_params), stream=True)
        try:
            for chunk in chunks:
                if piece := _piece_of(chunk):
                    yield piece
        finally:
            # A finalizer that cannot wait, as at the interpreter's end, leaves it to the stream to settle itself.
            with suppress(RuntimeError):
                chunks.close()

    async def astream(self, prompt: str, **litellm_params: Any) -> AsyncGenerator[str, None]:
        """`stream()` for coroutines."""
        router = await _arouter_of(self)
        chunks = await router.acompletion(**_request(self, [_user(prompt)], litellm_params), stream=True)
        try:
            async for chunk in chunks:
                if piece := _piece_of(chunk):
                    yield piece
        finally:
            with suppress(RuntimeError):  # As above, where no event loop runs any more.
                await chunks.aclose()

    def ask_for(self, prompt: str, schema: "type[T] | TypeAdapter[T]", **litellm_params: Any) -> T:
        """The answer as a validated `schema`: a pydantic model, a dataclass, `list[Model]`, `int`, ...

        The schema is part of the prompt, so any model can be asked. Models that are known to take a `response_format`
        are sent it as that, too; where it is refused, the question is asked again without. An answer that does not fit
        is sent back once, with what is wrong in it.

        For type checkers, what is no class, such as `Literal["buy", "sell"]` or a union, goes into a
        `pydantic.TypeAdapter`; pydantic wants a TypedDict from typing_extensions before Python 3.12.

        Raises InvalidAnswer when the second answer does not fit either.
        """
        dialogue = Dialogue(prompt, schema)
        while True:
            try:
                reply = _complete(self, dialogue.messages, {**dialogue.parameters, **litellm_params})
            except Exception as error:
                if not dialogue.goes_on_after(error):
                    raise
                continue
            if dialogue.settles(_text_of(reply), cut_off=_is_cut_off(reply)):
                return dialogue.answer

    async def aask_for(self, prompt: str, schema: "type[T] | TypeAdapter[T]", **litellm_params: Any) -> T:
        """`ask_for()` for coroutines."""
        dialogue = Dialogue(prompt, schema)
        while True:
            try:
                reply = await _acomplete(self, dialogue.messages, {**dialogue.parameters, **litellm_params})
            except Exception as error:
                if not dialogue.goes_on_after(error):
                    raise
                continue
            if dialogue.settles(_text_of(reply), cut_off=_is_cut_off(reply)):
                return dialogue.answer


# Functions, not methods: a subclass may override any method, or name an attribute like one, and the others still work.


def _complete(agent: BaseAgent, messages: Sequence[Message], params: dict[str, Any]) -> Any:
    return _router_of(agent).completion(**_request(agent, messages, params))


async def _acomplete(agent: BaseAgent, messages: Sequence[Message], params: dict[str, Any]) -> Any:
    return await (await _arouter_of(agent)).acompletion(**_request(agent, messages, params))


def _router_of(agent: BaseAgent) -> "Router":
    router = _attribute(agent, "router")
    return shared_router() if router is None else router


async def _arouter_of(agent: BaseAgent) -> "Router":
    router = _attribute(agent, "router")
    return await ashared_router() if router is None else router


def _request(agent: BaseAgent, messages: Sequence[Message], params: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of the router's `completion`. What is said for one request wins over the agent's own."""
    temperature = _attribute(agent, "temperature")
    request: dict[str, Any] = {
        "model": _attribute(agent, "model") or BaseAgent.model,
        **(_attribute(agent, "litellm_params") or {}),
        **({} if temperature is None else {"temperature": temperature}),
        **params,
        "messages": _with_system_prompt(messages, _attribute(agent, "system_prompt")),
    }
    if "stream" in request:
        raise TypeError("`stream` is not a parameter here: call stream() or astream()")
    # LiteLLM's own, which no provider is sent: the log of decisions, and callbacks, tell by it who asked.
    request["metadata"] = {"agent": _name_of(agent), **(request.get("metadata") or {})}
    return request


def _name_of(agent: BaseAgent) -> str:
    """Who asks, for the log of decisions: its `name`, where it has one, else its class."""
    name = _attribute(agent, "name")
    return name if isinstance(name, str) and name else type(agent).__name__


def _attribute(agent: BaseAgent, name: str) -> Any:
    # An `__init__` that was never called leaves a subclass's slots and dataclass fields without a value.
    return getattr(agent, name, None)


def _with_system_prompt(messages: Sequence[Message], system_prompt: str | None) -> list[Message]:
    if not system_prompt or (messages and messages[0].get("role") in ("system", "developer")):
        return list(messages)
    return [{"role": "system", "content": system_prompt}, *messages]


def _user(prompt: str) -> Message:
    return {"role": "user", "content": prompt}


def _text_of(reply: Any) -> str:
    """The text of the first choice; empty when it has none, as when a tool is called."""
    choices = reply.choices
    return (choices[0].message.content or "") if choices else ""


def _is_cut_off(reply: Any) -> bool:
    """Whether the answer ended at its token limit."""
    return any(choice.finish_reason == "length" for choice in reply.choices)


def _piece_of(chunk: Any) -> str:
    """The text in one chunk of a stream; empty in those that carry a role, a tool call, usage or an end."""
    choices = chunk.choices
    return (choices[0].delta.content or "") if choices else ""
