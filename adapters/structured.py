"""Typed answers: a question that shows the schema, the reading of what comes back, and one round of repair."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from .json_in_text import JSONProblem, json_values

T = TypeVar("T")
Json = dict[str, Any]

WRAPPED: Final = "value"
"""A schema that is no object is asked for as this key of one: models keep to an object best."""

REPAIRS: Final = 1
"""How often an answer that does not fit is sent back."""

SHOWN: Final = 20
"""So many problems of one answer are listed."""


class InvalidAnswer(ValueError):
    """A model's answer did not fit the schema, and neither did its repair.

    `text`: the last answer as it came. `errors`: what is wrong with it, one sentence each.
    """

    def __init__(self, schema: str, text: str, errors: tuple[str, ...]) -> None:
        self.schema, self.text, self.errors = schema, text, errors
        super().__init__(schema, text, errors)

    def __str__(self) -> str:
        return (
            f"no valid {self.schema} was answered, not even at the second try: {'; '.join(self.errors)}. "
            "The last answer is in `text`. Simplify the schema, or ask a group of more capable models."
        )


class Dialogue(Generic[T]):
    """A question whose answer must fit a schema: send `messages`, until `settles` says that `answer` is there."""

    answer: T

    def __init__(self, prompt: str, schema: type[T] | TypeAdapter[T]) -> None:
        self._form: Form[T] = Form(schema)
        self._formatted = True
        self._repairs = REPAIRS
        self.messages: tuple[Json, ...] = ({"role": "user", "content": f"{prompt}\n\n{self._form.instruction}"},)

    @property
    def parameters(self) -> Json:
        """What the next request has besides the messages."""
        return {"response_format": self._form.response_format, "schema_in_prompt": True} if self._formatted else {}

    def goes_on_after(self, error: Exception) -> bool:
        """Whether to ask once more, without a format: the models that were asked refuse it."""
        if not self._formatted or not _is_refusal(error):
            return False
        self._formatted = False
        return True

    def settles(self, text: str, *, cut_off: bool = False) -> bool:
        """Take an answer. False: it does not fit, and `messages` now ask for its repair.

        Raises InvalidAnswer when there is no round of repair left.
        """
        try:
            self.answer = self._form.read(text)
        except Misfit as misfit:
            errors = (*misfit.errors, "it was cut off at its token limit: be shorter") if cut_off else misfit.errors
            if not self._repairs:
                raise InvalidAnswer(self._form.name, text, errors) from None
            self._repairs -= 1
            self.messages += _repair(text, errors)
            return False
        return True


def _repair(text: str, errors: tuple[str, ...]) -> tuple[Json, Json]:
    problems = "\n".join(f"- {error}" for error in errors)
    complaint = f"That answer is not valid:\n{problems}\n\nAnswer again with the corrected JSON and nothing else."
    # Some providers refuse an empty message.
    return {"role": "assistant", "content": text or "(empty)"}, {"role": "user", "content": complaint}


def _is_refusal(error: Exception) -> bool:
    from litellm.exceptions import BadRequestError, UnprocessableEntityError

    outcomes = [attempt.outcome for attempt in getattr(error, "attempts", ())]
    return isinstance(error, BadRequestError | UnprocessableEntityError) or "bad_request" in outcomes


class Misfit(Exception):
    """An answer does not fit; `errors` say why, for the model as for people."""

    def __init__(self, *errors: str) -> None:
        self.errors = errors
        super().__init__(*errors)


class Form(Generic[T]):
    """A schema as models are asked for it and as their answers are read."""

    def __init__(self, schema: type[T] | TypeAdapter[T]) -> None:
        self._adapter: TypeAdapter[T] = schema if isinstance(schema, TypeAdapter) else TypeAdapter(schema)
        self.name = schema.__name__ if isinstance(schema, type) else str(schema)
        inner = self._adapter.json_schema()
        self._is_wrapped = not _is_object(inner, inner.get("$defs", {}))
        shown = _wrapped(inner) if self._is_wrapped else inner
        name = re.sub(r"[^\w-]", "_", self.name, flags=re.ASCII)[:64] or "answer"
        self.response_format: Json = {"type": "json_schema", "json_schema": {"name": name, "schema": shown}}
        self.instruction = (
            "Answer with one JSON object and nothing else: no explanation, no code fence. "
            f"It must be valid against this JSON Schema:\n{json.dumps(shown, ensure_ascii=False)}"
        )

    def read(self, text: str) -> T:
        """The first JSON in `text` that fits. Raises Misfit, about the first JSON where none fits."""
        misfit: Misfit | None = None
        try:
            for value in json_values(text, only_objects=not self._is_wrapped):
                try:
                    return self._validated(value)
                except ValidationError as error:
                    misfit = misfit or Misfit(*_sentences(error))
        except JSONProblem as problem:
            misfit = misfit or Misfit(str(problem))
        raise misfit or Misfit("it holds no JSON object")

    def _validated(self, value: Any) -> T:
        if self._is_wrapped and isinstance(value, dict) and value.keys() == {WRAPPED}:
            value = value[WRAPPED]
        # From JSON, not from Python: so a strict model, too, takes a date from a string and a tuple from an array.
        return self._adapter.validate_json(json.dumps(value))


def _is_object(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    """Whether it is plain that only objects fit."""
    if "$ref" in schema:
        referred = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return bool(referred.get("type") == "object")
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return all(_is_object(each, definitions) for each in choices)
    return bool(schema.get("type") == "object")


def _wrapped(schema: Json) -> Json:
    inner = dict(schema)
    definitions = inner.pop("$defs", None)
    wrapped: Json = {"type": "object", "properties": {WRAPPED: inner}, "required": [WRAPPED]}
    return wrapped if definitions is None else {**wrapped, "$defs": definitions}


def _sentences(error: ValidationError) -> tuple[str, ...]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    sentences = [_sentence(".".join(map(str, each["loc"])), each["msg"]) for each in details[:SHOWN]]
    return (*sentences, f"and {len(details) - SHOWN} more") if len(details) > SHOWN else tuple(sentences)


def _sentence(place: str, message: str) -> str:
    return f"{place}: {message}" if place else message
