"""YAML text as nodes that remember their places.

A subset without surprises: no duplicate keys, no tags that build objects, and only plain decimal numbers are
numbers (YAML 1.1 would read `1:30` as 90, `012` as 10 and `2024-02-01` as a date; here they stay text).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from router_config.config.models import ConfigError
from router_config.slices import pause

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 40
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9_]{0,40})")
_FLOAT = re.compile(
    r"[+-]?(?:[0-9][0-9_]*)?\.?[0-9_]*(?:[eE][+-]?[0-9]{1,3})?|[+-]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_TRUE = {"true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class Mark:
    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A scalar (text, number, bool, None), a list of nodes, or a mapping to (mark of the key, node)."""

    mark: Mark
    value: Any

    def plain(self, budget: Iterator[int]) -> Any:
        next(budget)
        if isinstance(self.value, dict):
            return {key: node.plain(budget) for key, (_, node) in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain(budget) for node in self.value]
        return self.value


def compose(text: str, shown: str) -> Node | None:
    """The root node of a YAML text; None when it holds nothing."""
    return _Composer(text, shown).compose()


class _Composer:
    """Builds nodes from events; PyYAML's own composer overflows the C stack on deep nesting."""

    def __init__(self, text: str, shown: str) -> None:
        self._lines = text.splitlines()
        self._shown = shown
        self._loader = _Loader(text)
        self._anchors: dict[str, Node] = {}

    def compose(self) -> Node | None:
        try:
            self._next()
            if isinstance(self._next(), yaml.StreamEndEvent):
                return None
            root = self._node(self._next(), 0)
            self._next()
            extra = self._next()
            if not isinstance(extra, yaml.StreamEndEvent):
                raise self._error(extra, "a second document begins here", "Keep one document: remove the line `---`.")
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from None
        except yaml.YAMLError:
            raise ConfigError(f"{self._shown}: this is not YAML\n  Save the file as plain UTF-8 text.") from None
        else:
            return None if root.value is None else root
        finally:
            self._loader.dispose()

    def _next(self) -> Any:
        return self._loader.get_event()

    def _error(self, event: Any, what: str, hint: str) -> ConfigError:
        mark = event if isinstance(event, Mark) else _mark(event)
        return ConfigError(f"{self._shown}:{mark.line}:{mark.column}: {what}\n  {hint}")

    def _node(self, event: Any, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._error(event, "this is nested too deeply", "Close the brackets that were opened before.")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._error(event, f"*{event.anchor} names nothing", _QUOTE_HINT)
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            node = Node(_mark(event), self._scalar(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._mapping(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _sequence(self, start: Any, depth: int) -> Node:
        self._only_standard_tag(start, "tag:yaml.org,2002:seq")
        items = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Node(_mark(start), items)

    def _mapping(self, start: Any, depth: int) -> Node:
        self._only_standard_tag(start, "tag:yaml.org,2002:map")
        entries: dict[str, tuple[Mark, Node]] = {}
        merged: dict[str, tuple[Mark, Node]] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            pause()
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(
                    event, "a key must be plain text", "Write `key: value`; put text with brackets in quotes."
                )
            key, mark = event.value, _mark(event)
            value = self._node(self._next(), depth + 1)
            if key == "<<" and event.implicit[0]:
                merged |= {name: entry for name, entry in self._merged(value) if name not in merged}
            elif key in entries:
                first = entries[key][0].line
                raise self._error(
                    mark,
                    f'"{_short(key)}" is written twice',
                    f"The first is on line {first}; keep one of them.",
                )
            else:
                entries[key] = (mark, value)
        return Node(_mark(start), merged | entries)

    def _merged(self, node: Node) -> Iterator[tuple[str, tuple[Mark, Node]]]:
        for part in node.value if isinstance(node.value, list) else [node]:
            if not isinstance(part.value, dict):
                raise self._error(node.mark, "<<: takes a mapping", "Write `<<: *name` of a mapping marked with &name.")
            yield from part.value.items()

    def _scalar(self, event: Any) -> Any:
        text = event.value
        tag = event.tag or self._loader.resolve(yaml.ScalarNode, text, event.implicit)
        kind = tag.removeprefix("tag:yaml.org,2002:")
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in _TRUE
        if kind == "int":
            return int(text.replace("_", "")) if _INTEGER.fullmatch(text) else text
        if kind == "float" and _FLOAT.fullmatch(text):
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
        if kind in ("str", "float", "timestamp", "value", "merge"):
            return text
        raise self._error(event, "a tag such as !name has no meaning here", "Put text that begins with ! in quotes.")

    def _only_standard_tag(self, event: Any, tag: str) -> None:
        if event.tag not in (None, "!", tag):
            raise self._error(event, "a tag such as !name has no meaning here", "Remove the tag.")

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> ConfigError:
        where = error.problem_mark or error.context_mark
        if where is None:
            return ConfigError(f"{self._shown}: {error.problem}\n  Check the punctuation of the file.")
        line = self._lines[where.line] if where.line < len(self._lines) else ""
        what, hint = _explain(error, line, where.column)
        return self._error(Mark(where.line + 1, where.column + 1), what, hint)


_QUOTE_HINT = 'Put text that begins with * in quotes, such as "*".'


def _explain(error: yaml.MarkedYAMLError, line: str, column: int) -> tuple[str, str]:
    problem = error.problem or "this is not YAML"
    character = line[column : column + 1]
    opened = f" (line {error.context_mark.line + 1})" if error.context_mark is not None else ""
    if character == "\t" or "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab stands here, and YAML does not take tabs", "Indent with spaces."
    if "scanning an alias" in (error.context or ""):
        return "* begins an alias, and this is none", _QUOTE_HINT
    if "undefined alias" in problem:
        return "this *alias names nothing", _QUOTE_HINT
    if "cannot start any token" in problem:
        return f'a text cannot begin with "{character}"', "Put the text in quotes."
    if "quoted scalar" in (error.context or ""):
        return f"a quote is opened and not closed{opened}", "Close the quote."
    if "mapping values are not allowed" in problem:
        return (
            "a second `: ` on one line, or wrong indentation",
            "Put text that holds `: ` in quotes, or mend the indentation.",
        )
    if "flow" in (error.context or ""):
        return (
            f"a bracket is opened and not closed{opened}, or a comma is missing",
            "Close the bracket, or add the comma.",
        )
    if "expected key" in problem or "block end" in problem or "block collection" in (error.context or ""):
        return (
            "this line is not indented like its neighbours",
            "Indent entries of one level by the same number of spaces.",
        )
    if "expected ':'" in problem:
        return "a key without a colon", "Write `key: value`, with a space after the colon."
    return f"this is not YAML ({problem})", "Check indentation, colons and quotes here and on the line above."


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _short(text: str) -> str:
    """A key as an error may show it: without what follows a colon, which may be a secret."""
    head = text.split(":", 1)[0]
    return head if len(head) <= 60 else head[:60] + "..."
