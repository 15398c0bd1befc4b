"""`supports` of a model in litellm.yaml: what it can do, as a person writes it."""

from router_config.config.grammar.rules import Entry, Scalar, Section
from router_config.config.grammar.scalars import flag
from router_config.config.models import Supports

_FLAG = Scalar(flag, {"type": "boolean"})
SUPPORTS = Section(
    Supports,
    {
        "tools": Entry(_FLAG, "Tools (function calls)."),
        "parallel_tools": Entry(_FLAG, "Several tool calls in one answer."),
        "json_object": Entry(_FLAG, "response_format of type json_object."),
        "json_schema": Entry(_FLAG, "response_format of type json_schema."),
        "images": Entry(_FLAG, "Images in messages."),
        "audio": Entry(_FLAG, "Audio in messages or answers."),
        "pdf": Entry(_FLAG, "PDF and other documents in messages."),
        "n": Entry(_FLAG, "More than one answer to a request (n)."),
        "logprobs": Entry(_FLAG, "logprobs and top_logprobs."),
        "reasoning": Entry(_FLAG, "reasoning_effort and thinking."),
        "streaming": Entry(_FLAG, "Streams."),
        "dimensions": Entry(_FLAG, "dimensions of an embedding."),
    },
    hint="Write what it can and cannot, such as {tools: false, images: true}.",
    foreign={
        "vision": "Write images.",
        "function_calling": "Write tools.",
        "parallel_tool_calls": "Write parallel_tools.",
        "response_format": "Write json_object or json_schema.",
        "stream": "Write streaming.",
        "reasoning_effort": "Write reasoning.",
        "thinking": "Write reasoning.",
        "response_schema": "Write json_schema.",
        "context": "Write it on the model, beside supports.",
    },
)
