"""One item of a list in the text of a YAML file: another name, one more, one less; every other character stays."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import yaml

from router_config.cli.editing.yaml_edit import CannotEdit, Place, end_of, find, line_end, newline_of, plain, with_value

_ATTEMPTS: Final = (yaml.YAMLError, ValueError)


def with_name(text: str, path: str, name: str) -> str:
    """The text with another name for an item, which is a name alone, or a mapping with `name:` in it."""
    place = _item(text, path)
    return with_value(text, f"{path}.name" if isinstance(place.node, yaml.MappingNode) else path, scalar(name))


def with_item(text: str, path: str, item: str) -> str:
    """The text with an item more at the end of the list at `path`. item: as YAML has it, on one line."""
    place = find(text, path)
    node = place.node
    if place.missing or not isinstance(node, yaml.SequenceNode):
        raise CannotEdit
    if node.flow_style:
        end = end_of(node.value[-1]) if node.value else node.start_mark.index + 1
        new = f"{text[:end]}{', ' if node.value else ''}{item}{text[end:]}"
    else:
        end = line_end(text, end_of(node))
        new = f"{text[:end]}{newline_of(text)}{' ' * node.start_mark.column}- {item}{text[end:]}"
    _require(text, new, place, lambda items: [*items, yaml.safe_load(item)])
    return new


def without_item(text: str, path: str) -> str:
    """The text without one item of a list."""
    place = _item(text, path)
    index = int(place.steps[-1])
    parent = find(text, ".".join(map(str, place.steps[:-1])))
    items = parent.node
    if not isinstance(items, yaml.SequenceNode) or len(items.value) < 2:
        raise CannotEdit
    start, end = place.node.start_mark.index, end_of(place.node)
    if items.flow_style:
        after = re.match(r"\s*,\s*", text[end:])
        before = re.search(r",\s*$", text[:start])
        if after:
            new = text[:start] + text[end + after.end() :]
        else:
            new = text[: before.start() if before else start] + text[end:]
    else:
        start = text.rfind("\n", 0, start) + 1
        end = min(len(text), text.find("\n", line_end(text, end)) + 1 or len(text))
        new = text[:start] + text[end:]
    _require(text, new, parent, lambda items: items[:index] + items[index + 1 :])
    return new


def scalar(name: str) -> str:
    """A name as YAML has it: as it is, or in quotes where it would be something else than that text."""
    try:
        whole = yaml.safe_load(f"[{name}]") == [name] and yaml.safe_load(f"x: {name}") == {"x": name}
    except _ATTEMPTS:
        whole = False
    return name if whole else json.dumps(name)


def _item(text: str, path: str) -> Place:
    place = find(text, path)
    if place.missing or not place.steps or not isinstance(place.steps[-1], int):
        raise CannotEdit
    return place


def _require(old: str, new: str, place: Place, change: Callable[[list[Any]], list[Any]]) -> None:
    """Raises CannotEdit unless exactly the list at a place has changed, and in this way."""
    try:
        before, after = plain(old), plain(new)
        if _changed(before, list(place.steps), change) == after:
            return
    except Exception:
        raise CannotEdit from None
    raise CannotEdit


def _changed(value: Any, steps: list[str | int], change: Callable[[list[Any]], list[Any]]) -> Any:
    if not steps:
        return change(value)
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return [_changed(item, rest, change) if index == step else item for index, item in enumerate(value)]
    return {**value, step: _changed(value[step], rest, change)}
