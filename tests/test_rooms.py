"""The rooms import from the floors below them alone, as ARCHITECTURE.md draws them."""

import ast
import re
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parent.parent
FLOORS: Final = (
    {"forks", "presets", "slices"},
    {"config", "ledger", "signals", "clock", "iso", "simulator"},
    {"forecast"},
    {"deployments"},
    {"attempts", "catalogue"},
    {"planner", "status", "transport"},
    {"routing"},
    {"cli", "adapters", "monitoring"},
)
BESIDE: Final = {("cli", "monitoring"), ("monitoring", "adapters")}
"""On the top floor the commands start the page, and its demo uses agents."""

TOPS: Final = ("adapters", "benchmarks", "docs", "examples", "monitoring", "router_config", "scripts", "tests")
ELSEWHERE: Final = {"dist/", "litellm/__init__.py"}
"""What the documents name, and is not of this repository."""


def room(names: tuple[str, ...]) -> str | None:
    """The room of a module, by the parts of its name; None for what is not ours, or the package itself."""
    if names[0] in ("adapters", "monitoring"):
        return names[0]
    return names[1] if names[0] == "router_config" and len(names) > 1 else None


def imports(path: Path) -> set[str]:
    """The names of all modules that a file imports, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return found


def test_a_room_imports_only_from_the_floors_below() -> None:
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    wrong = []
    for top in ("router_config", "adapters", "monitoring"):
        for path in (REPOSITORY / top).rglob("*.py"):
            here = room(path.relative_to(REPOSITORY).with_suffix("").parts)
            if here is None or here == "__init__":  # The package's own names, imported when they are asked for.
                continue
            for each in imports(path):
                there = room(tuple(each.split(".")))
                if there in floor and there != here and (here, there) not in BESIDE and floor[there] >= floor[here]:
                    wrong.append(f"{path.relative_to(REPOSITORY)} imports {each}")
    assert not wrong


def test_the_documents_name_files_that_exist() -> None:
    """`a_module.py` stands somewhere in the repository, `a/path.py` and `a/folder/` below it or a room."""
    tracked = [path for top in TOPS for path in (REPOSITORY / top, *(REPOSITORY / top).rglob("*"))]
    missing = []
    for document in ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "benchmarks/README.md"):
        named = re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:\.py|/))`", (REPOSITORY / document).read_text("utf-8"))
        missing += [
            f"{document}: {name}"
            for name in sorted(set(named) - ELSEWHERE)
            if not any(f"/{path.relative_to(REPOSITORY)}".endswith(f"/{name.rstrip('/')}") for path in tracked)
        ]
    assert not missing
