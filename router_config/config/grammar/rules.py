"""A grammar of mappings, lists and scalars: what a YAML file may hold. It reads it, and prints a JSON schema.

Each kind reads a node of the file into a value, or raises the ConfigError that names the place, what is wrong
there and what to write instead.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Protocol

from router_config.config.grammar.quantities import BadValue
from router_config.config.grammar.yaml_nodes import Mark, Node
from router_config.config.grammar.yaml_source import Source
from router_config.config.models import ConfigError
from router_config.slices import pause


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a node stands: its source, the place of its key, and the words that lead to it."""

    source: Source
    mark: Mark
    words: tuple[str, ...] = ()

    def error(self, mark: Mark, what: str, hint: str) -> ConfigError:
        return self.source.error_at(mark, ": ".join(filter(None, (", ".join(self.words), what))), hint)

    def inner(self, word: str | None, mark: Mark) -> "Place":
        return Place(self.source, mark, (*self.words, word) if word else self.words)


class Kind(Protocol):
    """What may stand at some place of the file."""

    def read(self, node: Node, place: Place) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: `parse` makes it from what YAML gives, or raises BadValue."""

    parse: Callable[[Any], Any]
    json: Mapping[str, Any]

    def read(self, node: Node, place: Place) -> Any:
        try:
            return self.parse(node.value if not isinstance(node.value, dict | list) else type(node.value)())
        except BadValue as bad:
            raise place.error(node.mark, bad.what, bad.hint) from None

    def schema(self) -> dict[str, Any]:
        return dict(self.json)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list, or one value alone where `single` allows it. Its items are called `noun 1`, `noun 2`, ..."""

    item: Kind
    hint: str
    noun: str = "item"
    single: bool = False

    def read(self, node: Node, place: Place) -> tuple[Any, ...]:
        if not isinstance(node.value, list):
            if not self.single or node.value is None:
                raise place.error(node.mark, "a list is expected here", self.hint)
            return (self.item.read(node, place),)
        if not node.value:
            raise place.error(node.mark, "this list is empty", self.hint)
        numbered = enumerate(node.value, start=1)
        return tuple(self.item.read(item, place.inner(f"{self.noun} {number}", item.mark)) for number, item in numbered)

    def schema(self) -> dict[str, Any]:
        item = self.item.schema()
        array = {"type": "array", "items": item, "minItems": 1}
        return {"anyOf": [item, array]} if self.single else array


@dataclass(frozen=True, slots=True)
class MappingOf:
    """A mapping from names that are free, save for what `check` objects to, to values of one kind."""

    value: Kind
    hint: str
    check: Callable[[str], object] = lambda name: None
    required: bool = False

    def read(self, node: Node, place: Place) -> dict[str, Any]:
        if not isinstance(node.value, dict) or (self.required and not node.value):
            expected = "a mapping is expected here" if not isinstance(node.value, dict) else "this is empty"
            raise place.error(node.mark, expected, self.hint)
        result = {}
        for name, (mark, item) in node.value.items():
            try:
                self.check(name)
            except BadValue as bad:
                raise place.error(mark, bad.what, bad.hint) from None
            result[name] = self.value.read(item, place.inner(name, mark))
        return result

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": self.value.schema(),
            **({"minProperties": 1} if self.required else {}),
        }


@dataclass(frozen=True, slots=True)
class Anything:
    """A mapping that is passed on as it is."""

    hint: str

    def read(self, node: Node, place: Place) -> dict[str, Any]:
        if not isinstance(node.value, dict):
            raise place.error(node.mark, "a mapping is expected here", self.hint)
        plain: dict[str, Any] = place.source.plain(node)
        return plain

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a section. `named`: whether errors about its content say its name. `needed`: what to write.

    `field`: the field of the dataclass that it fills, where Python does not allow the key's own name.
    """

    kind: Kind
    about: str
    named: bool = True
    needed: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with known keys. `make`, a dataclass, gets them by name; one left out has its default.

    A text alone stands for the key `short`. `foreign` says what to write instead of keys that others use.
    """

    make: Any
    entries: Mapping[str, Entry]
    hint: str
    short: str | None = None
    foreign: Mapping[str, str] = field(default_factory=dict)

    def read(self, node: Node, place: Place) -> Any:
        pause()
        if self.short is not None and isinstance(node.value, str):
            return self.make(**{self.short: self.entries[self.short].kind.read(node, place)})
        if not isinstance(node.value, dict):
            expected = "nothing stands here" if node.value is None else "a mapping is expected here"
            raise place.error(node.mark, expected, self.hint)
        found: dict[str, Any] = {}
        for name, (mark, value) in node.value.items():
            if name not in self.entries:
                raise place.error(mark, *self._unknown(name))
            if value.value is not None:
                entry = self.entries[name]
                found[entry.field or name] = entry.kind.read(value, place.inner(name if entry.named else None, mark))
        for name in _required(self.make):
            if name not in found:
                written = name in node.value
                mark = node.value[name][0] if written else place.mark
                what = f"{name} is empty" if written else f"{name} is missing"
                raise place.error(mark, what, self.entries[name].needed or f"Write `{name}: ...`.")
        return self.make(**found)

    def _unknown(self, key: str) -> tuple[str, str]:
        named, colon, _ = key.partition(":")
        named = named.strip()
        if colon and named in self.entries:
            return f"a space is missing after the colon of {named}", f"Write `{named}: value`."
        what = f'unknown key "{named[:60]}"'
        if key in self.foreign:
            return what, self.foreign[key]
        near = nearest(key, self.entries)
        return what, f"Did you mean {near}?" if near else f"Known here: {', '.join(self.entries)}."

    def schema(self) -> dict[str, Any]:
        properties = {name: entry.kind.schema() | {"description": entry.about} for name, entry in self.entries.items()}
        for each in fields(self.make):
            if isinstance(each.default, str | int | float) and each.name in properties:
                properties[each.name]["default"] = each.default
        section = {"type": "object", "properties": properties, "additionalProperties": False}
        if required := _required(self.make):
            section["required"] = list(required)
        return section if self.short is None else {"anyOf": [{"type": "string"}, section]}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most resembles; None where none is near."""
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), sorted(folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else None


@cache
def _required(make: Any) -> tuple[str, ...]:
    """The fields of a dataclass that have no default."""
    return tuple(each.name for each in fields(make) if each.default is MISSING and each.default_factory is MISSING)
