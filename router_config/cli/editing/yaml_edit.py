"""One change in the text of a YAML file; every other character stays, comments and order included.

The parser tells where each part of the text stands, and the change is made there. What comes out is parsed again: if
anything else than the part that was meant would change (an anchor that others use, say), nothing is done.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from router_config.config.grammar.yaml_nodes import compose

Step = str | int
_PLAIN: Final = re.compile(r"[\w./:@+-]+", re.ASCII)


class CannotEdit(Exception):
    """The text has a form in which this change cannot be made alone."""


class NoSuchPlace(Exception):
    """A step of a path leads nowhere. `known`: what stands there; `step`: what was looked for."""

    def __init__(self, step: str, known: Sequence[str], inside: str) -> None:
        super().__init__(step)
        self.step, self.known, self.inside = step, known, inside


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dotted path leads: the steps that exist, the node there, and the keys that are not there yet."""

    steps: tuple[Step, ...]
    node: yaml.Node
    key: yaml.Node | None
    missing: tuple[str, ...]


def find(text: str, path: str) -> Place:
    """Follows a path such as `providers.groq.models.openai/gpt-oss-20b.limits.rpm`.

    A name may hold dots itself: the longest that is there is taken. Items of a list are named by their place (0 is
    the first) or by their name. Raises NoSuchPlace for an item of a list that is not there.
    """
    node = _composed(text)
    steps: list[Step] = []
    key: yaml.Node | None = None
    rest = path
    while rest:
        if isinstance(node, yaml.MappingNode):
            names = [each.value for each, _ in node.value]
            index = _longest(names, rest)
            if index is None:
                break
            key, node = node.value[index]
            steps.append(names[index])
            rest = rest[len(names[index]) + 1 :]
        elif isinstance(node, yaml.SequenceNode):
            names = [_item_name(item) for item in node.value]
            index = _longest(names, rest)
            first = rest.partition(".")[0]
            if index is not None:
                rest = rest[len(names[index]) + 1 :]
            elif first.isdecimal() and int(first) < len(names):
                index, rest = int(first), rest[len(first) + 1 :]
            else:
                raise NoSuchPlace(rest, names, ".".join(map(str, steps)))
            steps.append(index)
            key, node = None, node.value[index]
        else:
            break
    return Place(tuple(steps), node, key, tuple(rest.split(".")) if rest else ())


def with_value(text: str, path: str, value: str) -> str:
    """The text with a value at a path; the path is made where it is missing. value: as YAML has it, on one line."""
    place = find(text, path)
    written = flow(value)
    for name in reversed(place.missing[1:]):
        written = f"{{{quoted(name)}: {written}}}"
    if not place.missing:
        new = _replaced(text, place, written)
    elif isinstance(place.node, yaml.MappingNode):
        new = _inserted(text, place.node, f"{quoted(place.missing[0])}: {written}")
    elif place.node.tag == "tag:yaml.org,2002:null" or (place.steps and isinstance(place.steps[-1], int)):
        name = f"name: {text[place.node.start_mark.index : place.node.end_mark.index]}, " if place.node.value else ""
        new = _replaced(text, place, f"{{{name}{quoted(place.missing[0])}: {written}}}")
    else:
        raise NoSuchPlace(".".join(place.missing), (), ".".join(map(str, place.steps)))
    _require_only(text, new, place.steps + place.missing[:1] if place.missing else place.steps)
    return new


def with_section(text: str, path: str, name: str, section: str) -> str:
    """The text with an entry more at the end of the mapping at `path`.

    section: the entry in block style, `name:` in its first column.
    """
    node = find(text, path).node
    if not isinstance(node, yaml.MappingNode):
        raise CannotEdit
    if node.flow_style:
        value = yaml.safe_load(section)[name]
        shown = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False).strip()
        new = _inserted(text, node, f"{quoted(name)}: {shown}")
    else:
        end = line_end(text, end_of(node))
        indent = " " * node.start_mark.column
        lines = [f"{indent}{line}" if line else "" for line in section.splitlines()]
        spaced = len(node.value) < 2 or re.search(r"\n[ \t]*\r?\n", text[node.start_mark.index : end]) is not None
        new = text[:end] + newline_of(text) * (2 if spaced else 1) + newline_of(text).join(lines) + text[end:]
    _require_only(text, new, (*path.split("."), name))
    return new


def without(text: str, path: str) -> str:
    """The text without the entry at a path, which must be one of a mapping."""
    place = find(text, path)
    parent = find(text, ".".join(map(str, place.steps[:-1]))).node
    if place.missing or place.key is None or not isinstance(parent, yaml.MappingNode):
        raise CannotEdit
    start, end = place.key.start_mark.index, end_of(place.node) or place.key.end_mark.index
    if parent.flow_style:
        before = re.search(r",\s*$", text[:start])
        after = re.match(r"\s*,\s*", text[end:])
        new = (
            text[:start] + text[end + after.end() :]
            if after
            else text[: before.start() if before else start] + text[end:]
        )
    else:
        start = text.rfind("\n", 0, start) + 1
        end = min(len(text), text.find("\n", line_end(text, end)) + 1 or len(text))
        blank = re.match(r"[ \t]*\r?\n", text[end:])
        if blank and re.search(r"(?:^|\n)[ \t]*\r?\n$", text[:start]):
            end += blank.end()
        new = text[:start] + text[end:]
    _require_only(text, new, place.steps)
    return new


def flow(value: str) -> str:
    """A value as it can stand behind a colon: as it is, if it is YAML on one line, else in quotes."""
    stripped = value.strip()
    try:
        events = list(yaml.parse(f"[{stripped}]", Loader=yaml.SafeLoader))
        alone, listed = _composed(f"x: {stripped}"), _composed(f"[{stripped}]")
        whole = bool(stripped) and "\n" not in stripped and end_of(alone) == len(f"x: {stripped}")
        one = len(alone.value) == len(listed.value) == 1
        if whole and one and not any(isinstance(event, yaml.AliasEvent) for event in events):
            return stripped
    except (yaml.YAMLError, ValueError):
        pass
    return _double_quoted(value)


def _composed(text: str) -> yaml.Node:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        raise CannotEdit
    return node


def _longest(names: Sequence[str], path: str) -> int | None:
    found = [index for index, name in enumerate(names) if name and (path == name or path.startswith(f"{name}."))]
    return max(found, key=lambda index: len(names[index]), default=None)


def _item_name(item: yaml.Node) -> str:
    if isinstance(item, yaml.MappingNode):
        return next((str(value.value) for key, value in item.value if key.value in ("name", "key")), "")
    return str(item.value) if isinstance(item, yaml.ScalarNode) else ""


def _replaced(text: str, place: Place, value: str) -> str:
    node, key = place.node, place.key
    start, end = node.start_mark.index, end_of(node)
    if start == end:  # nothing stands there yet
        value = f" {value}"
    elif isinstance(node, yaml.CollectionNode) and not node.flow_style:
        end = line_end(text, end)  # a comment behind what goes, goes too
    if start < end and key is not None and node.start_mark.line > key.start_mark.line:
        value = value if node.start_mark.column > key.start_mark.column else f"  {value}"
    return text[:start] + value + text[end:]


def _inserted(text: str, node: yaml.MappingNode, entry: str) -> str:
    """The text with an entry more at the end of a mapping."""
    if node.flow_style:
        end = end_of(node.value[-1][1]) if node.value else node.start_mark.index + 1
        return f"{text[:end]}{', ' if node.value else ''}{entry}{text[end:]}"
    end = line_end(text, end_of(node))
    return f"{text[:end]}{newline_of(text)}{' ' * node.start_mark.column}{entry}{text[end:]}"


def end_of(node: yaml.Node) -> int:
    """Where the text of a node ends; the parser counts what follows a block, comments too, as a part of it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(last, tuple):
            return max(end_of(last[0]), end_of(last[1]))
        return end_of(last)
    end: int = node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        buffer = node.end_mark.buffer or ""
        while end > node.start_mark.index and buffer[end - 1 : end] in ("\n", "\r", " "):
            end -= 1
    return end


def line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" else end


def newline_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name[0] not in "@-:" else _double_quoted(name)


def _double_quoted(value: str) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _require_only(old: str, new: str, steps: Sequence[Step]) -> None:
    """Raises CannotEdit if more has changed than what stands at `steps`."""
    try:
        before, after = plain(old), plain(new)
    except Exception:
        raise CannotEdit from None
    if _blanked(before, steps) != _blanked(after, steps):
        raise CannotEdit


def plain(text: str) -> Any:
    node = compose(text, "")
    return None if node is None else node.plain(iter(range(200_000)))


def _blanked(value: Any, steps: Sequence[Step]) -> Any:
    """A copy without what stands at `steps`. An item that was a name alone is a mapping with that name."""
    if not steps:
        return None
    step = steps[0]
    if isinstance(value, list) and isinstance(step, int):
        return [_blanked(_as_mapping(item), steps[1:]) if index == step else item for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return {} if len(steps) == 1 and value is None else value
    rest = {key: item for key, item in value.items() if key != step}
    return rest if len(steps) == 1 or step not in value else {**rest, str(step): _blanked(value[step], steps[1:])}


def _as_mapping(item: Any) -> Any:
    return {"name": item} if isinstance(item, str) else item
