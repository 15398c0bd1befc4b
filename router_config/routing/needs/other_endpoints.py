"""What requests to endpoints besides chats need of a model: each has argument shapes of its own."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from router_config.deployments.abilities import BIT, NOTHING, Needs
from router_config.routing.needs.arguments import (
    IMAGES,
    JSON_OBJECT,
    JSON_SCHEMA,
    LOGPROBS,
    PARALLEL,
    REASONING,
    STREAMING,
    TOOLS,
    N,
    answer_format,
    calls_functions,
    of_media,
    parts,
    thinks,
    tokens,
)

_LOGPROBS_INCLUDED: Final = "message.output_text.logprobs"


def of_responses(asked: Mapping[str, Any]) -> Needs:
    """Of `responses`: items of `input`, the format in `text`, reasoning as a mapping."""
    needed = STREAMING if asked.get("stream") else 0
    if calls_functions(asked.get("tools")):
        needed |= TOOLS | (PARALLEL if asked.get("parallel_tool_calls") is True else 0)
    text = asked.get("text")
    form = text.get("format") if isinstance(text, Mapping) else None
    if form is not None:
        needed |= answer_format(form)
    elif asked.get("text_format") is not None:
        needed |= JSON_SCHEMA
    reasoning = asked.get("reasoning")
    if isinstance(reasoning, Mapping) and reasoning.get("effort") not in (None, "none"):
        needed |= REASONING
    included = asked.get("include")
    if asked.get("top_logprobs") or (isinstance(included, list | tuple) and _LOGPROBS_INCLUDED in included):
        needed |= LOGPROBS
    items = asked.get("input")
    if isinstance(items, list):
        needed |= parts(items)
        for item in items:
            for place in ("content", "output"):
                inside = item.get(place) if isinstance(item, Mapping) else None
                needed |= parts(inside) if isinstance(inside, list) else 0
    return Needs(needed, tokens(asked.get("max_output_tokens")), True)


def of_messages(asked: Mapping[str, Any]) -> Needs:
    """Of Anthropic's Messages."""
    needed = STREAMING if asked.get("stream") else 0
    if calls_functions(asked.get("tools")):
        needed |= TOOLS
    if thinks(asked.get("thinking")):
        needed |= REASONING
    output = asked.get("output_config")
    form = asked.get("output_format") or (output.get("format") if isinstance(output, Mapping) else None)
    if form is not None:
        needed |= answer_format(form)
    messages = asked.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        needed |= parts(content) if isinstance(content, list) else 0
    return Needs(needed, tokens(asked.get("max_tokens")), True)


def of_text(asked: Mapping[str, Any]) -> Needs:
    """Of a text completion. One of several prompts is not as long as all of them."""
    needed = STREAMING if asked.get("stream") else 0
    if any(tokens(asked.get(name)) > 1 for name in ("n", "best_of")):
        needed |= N
    if (logprobs := asked.get("logprobs")) is not None and logprobs is not False:  # 0 asks for those of the answer.
        needed |= LOGPROBS
    prompt = asked.get("prompt")
    one = not isinstance(prompt, list) or len(prompt) < 2 or isinstance(prompt[0], int)
    return Needs(needed, tokens(asked.get("max_tokens")), one)


def of_contents(asked: Mapping[str, Any]) -> Needs:
    """Of Gemini's own form: what is asked stands in `config`, in either spelling."""
    config = asked.get("config")
    needed, answer = 0, 0
    if isinstance(config, Mapping):
        given = {_spelt(str(name)): value for name, value in config.items() if value is not None}
        if given.get("responseschema") or given.get("responsejsonschema"):
            needed |= JSON_SCHEMA
        elif given.get("responsemimetype") == "application/json":
            needed |= JSON_OBJECT
        if given.get("responselogprobs"):
            needed |= LOGPROBS
        if tokens(given.get("candidatecount")) > 1:
            needed |= N
        answer = tokens(given.get("maxoutputtokens"))
        needed |= TOOLS if _declares(given.get("tools")) else 0
    needed |= TOOLS if _declares(asked.get("tools")) else 0
    for part in _parts_of_contents(asked.get("contents")):
        for name, value in part.items():
            if _spelt(str(name)) in ("inlinedata", "filedata") and isinstance(value, Mapping):
                needed |= of_media(value.get("mime_type") or value.get("mimeType"))
    return Needs(needed, answer, True)


def of_streamed_contents(asked: Mapping[str, Any]) -> Needs:
    needs = of_contents(asked)
    return needs._replace(abilities=needs.abilities | STREAMING)


def of_embedding(asked: Mapping[str, Any]) -> Needs:
    return Needs(BIT["dimensions"]) if asked.get("dimensions") is not None else NOTHING


def of_moderation(asked: Mapping[str, Any]) -> Needs:
    given = asked.get("input")
    return Needs(parts(given) & IMAGES) if isinstance(given, list) else NOTHING


def of_images(asked: Mapping[str, Any]) -> Needs:
    """Of pictures that are made or edited."""
    return Needs(N) if tokens(asked.get("n")) > 1 else NOTHING


OTHERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Needs]]] = {
    "aresponses": of_responses,
    "anthropic_messages": of_messages,
    "atext_completion": of_text,
    "agenerate_content": of_contents,
    "agenerate_content_stream": of_streamed_contents,
    "aembedding": of_embedding,
    "amoderation": of_moderation,
    "aimage_generation": of_images,
    "aimage_edit": of_images,
}
"""By the name of LiteLLM's function. Of the others nothing is known."""


def _spelt(name: str) -> str:
    return name.replace("_", "").lower()


def _declares(tools: Any) -> bool:
    """Whether tools of Gemini's form declare functions; a search is the provider's."""
    given = tools if isinstance(tools, list) else ()
    return any(isinstance(each, Mapping) and "functiondeclarations" in map(_spelt, map(str, each)) for each in given)


def _parts_of_contents(contents: Any) -> Iterator[Mapping[str, Any]]:
    for content in contents if isinstance(contents, list) else (contents,):
        found = content.get("parts") if isinstance(content, Mapping) else None
        yield from (part for part in (found if isinstance(found, list) else ()) if isinstance(part, Mapping))
