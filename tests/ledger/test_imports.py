"""Imports inside the ledger go one way: a module sees only those of the floors below, and never one that sees it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import router_config.ledger

ROOT: Final = Path(router_config.ledger.__path__[0])
PACKAGE: Final = "router_config.ledger."

FLOORS: Final = ({"rules"}, {"values"}, {"interfaces"}, {"local", "redis"}, {"outage"}, {"opening"})


def floor(module: str) -> int:
    """The floor of a module, by the first part of its name in the ledger."""
    return next(number for number, names in enumerate(FLOORS) if module.partition(".")[0] in names)


def imports() -> dict[str, set[str]]:
    """What each module of the ledger imports of the others, in functions too."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in ROOT.rglob("*.py")
        if path.name != "__init__.py"
    }
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                inside = (node.module or "").removeprefix(PACKAGE)
                names |= {inside} if inside in modules else {f"{inside}.{each.name}" for each in node.names}
        found[module] = names
    return found


def test_no_module_imports_one_of_a_floor_above_or_of_the_room_beside_it() -> None:
    for module, names in imports().items():
        for name in names:
            same_room = module.partition(".")[0] == name.partition(".")[0]
            assert floor(name) < floor(module) or same_room, f"{module} imports {name}"


def test_imports_go_in_no_circle() -> None:
    assert len(list(TopologicalSorter(imports()).static_order())) == len(imports())
