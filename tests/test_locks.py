"""The two locks: what `make run` installs is a part, to the hash, of what `make test` installs."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def locked(name: str) -> dict[str, set[str]]:
    """The packages of a lock, with version and marker, and their hashes."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (REPOSITORY / name).read_text("utf-8"))
    found = re.findall(r"(?m)^([a-z0-9][^\n\\]*?) \\\n((?: {4}--hash=\S+(?: \\)?\n?)+)", text)
    return {package: set(re.findall(r"sha256:\w+", hashes)) for package, hashes in found}


def test_the_lock_of_run_is_a_part_of_the_whole_one() -> None:
    run, whole = locked("requirements-run.lock"), locked("requirements.lock")
    name = {package.partition(" ;")[0]: hashes for package, hashes in whole.items()}
    assert len(run) > 50
    assert {package: name.get(package.partition(" ;")[0]) for package in run} == run
    assert not [package for package in run if package.startswith(("pytest", "mypy", "ruff", "playwright"))]
    assert [package for package in run if package.startswith("hatchling==")]
