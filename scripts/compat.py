"""Tests the contract with LiteLLM on several of its versions, and writes a table of the results into README.md.

make compat
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build" / "compat"
UV: Final = ROOT / "build" / "uv" / "bin" / "uv"
README: Final = ROOT / "README.md"
TESTS: Final = ROOT / "tests"
START, END = "<!-- compat -->", "<!-- /compat -->"
HEAD: Final = (
    "| LiteLLM | released | Python | openai SDK | contract tests | fast way | public way |",
    "|---|---|---|---|---|---|---|",
)

RECENT: Final = timedelta(days=92)
"""A minor release counts as recent when its last patch came within this time."""

TEST_TOOLS: Final = frozenset({"hypothesis", "pytest", "time-machine"})
"""What the marked tests need of the extra `dev`."""

WORDS: Final = ("lowest", "recent", "lock", "newest")
Version = tuple[int, ...]

_DESCRIPTION = """\
Run the tests marked `contract` on several versions of LiteLLM, each in an environment of its own under build/compat,
which is made once. Without a VERSION: all of lowest, recent, lock and newest.

VERSION is a number or one of
  lowest   the first that pyproject.toml allows
  recent   the last patch of each minor release of the last three months
  lock     the one in requirements.lock
  newest   the last that the package registry has"""
_EXAMPLES = """\
examples (with make: make compat ARGS="lowest newest"):
  %(prog)s                             all of them; 2 to 5 minutes a version
  %(prog)s lowest lock newest          what CI runs
  %(prog)s 1.110.2 --python python3.13
  %(prog)s --list                      only say which versions there are to test

Exit code: 0 all passed, 1 some failed, 2 wrong usage, or the package registry was needed and not reached."""


class CompatError(Exception):
    """Something that the person who runs this has to mend."""


@dataclass
class Result:
    """What one version showed. ways: by provider `fast` or `public`."""

    version: str
    released: str = "?"
    python: str = "?"
    sdk: str = "?"
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    problem: str = ""
    ways: dict[str, str] | None = None

    @property
    def ok(self) -> bool:
        return self.passed > 0 and not self.failed and not self.problem

    @property
    def row(self) -> str:
        """The line of the table."""
        told = f"{self.passed} passed" + (f", **{self.failed} failed**" if self.failed else "")
        ways = [", ".join(sorted(n for n, way in (self.ways or {}).items() if way == each)) for each in WAYS]
        cells = (self.version, self.released, self.python, self.sdk, f"**{self.problem}**" if self.problem else told)
        return "| " + " | ".join((*cells, *(each or "-" for each in ways))) + " |"


WAYS: Final = ("fast", "public")


class Progress:
    """Says how far each version is: a line that changes on a terminal, elsewhere one line a stage."""

    def __init__(self) -> None:
        self._at: dict[str, str] = {}
        self._lock = threading.Lock()
        self._live = sys.stderr.isatty()
        self._began = time.monotonic()

    def say(self, version: str, text: str, *, passing: bool = False) -> None:
        """passing: of interest only until the next word about this version."""
        with self._lock:
            self._at[version] = text
            if not passing:
                end = "\r\033[K" if self._live else ""
                print(f"{end}[{time.monotonic() - self._began:4.0f} s] {version}: {text}", file=sys.stderr, flush=True)
            if self._live:
                line = "   ".join(f"{name} {at}" for name, at in self._at.items() if at.endswith("%"))
                print(f"\r\033[K{line[:110]}", end="", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    wanted = _parser().parse_args(argv)
    try:
        python = _path_of(wanted.python)
        versions = _chosen(wanted.version or list(WORDS), python)
        days = {each: _released(each) for each in versions}
        if wanted.list:
            print("\n".join(f"{_text(each)} {day}" for each, day in days.items()))
            return 0
        progress = Progress()
        with ThreadPoolExecutor(wanted.jobs) as pool:
            results = list(pool.map(lambda each: _test(_text(each), python, wanted.seconds, progress), versions))
    except CompatError as error:
        print(f"compat: {error}", file=sys.stderr)
        return 2
    print("\n".join((*HEAD, *(each.row for each in results))))
    failing = [each for each in results if not each.ok]
    for each in failing:
        print(f"{each.version}: see {_log(each.version, python).relative_to(ROOT)}")
    if not wanted.no_readme:
        _write_readme([each.row for each in results], whole=not wanted.version)
    passed, failed = sum(each.passed for each in results), sum(max(each.failed, 1) for each in failing)
    print(f"{passed} passed, {failed} failed")
    return 1 if failing else 0


# which versions


def _chosen(words: Sequence[str], python: str) -> list[Version]:
    """The versions that are meant, oldest first."""
    found: set[Version] = set()
    for word in words:
        if word == "lock":
            found.add(_locked())
        elif word not in WORDS:
            if not re.fullmatch(r"\d+(\.\d+)+", word):
                raise CompatError(f"{word!r} is no version such as 1.110.2, and none of {', '.join(WORDS)}")
            found.add(_number(word))
        else:
            allowed = _allowed(python)
            found.update({"lowest": allowed[:1], "newest": allowed[-1:]}.get(word) or _recent(allowed))
    return sorted(found)


def _locked() -> Version:
    match = re.search(r"^litellm==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    if match is None:
        raise CompatError("requirements.lock names no litellm")
    return _number(match[1])


def _allowed(python: str) -> list[Version]:
    """Every version that pyproject.toml allows, oldest first."""
    asked = next(each for each in _project()["dependencies"] if each.startswith("litellm"))
    lowest, below = (_number(text) for text in re.findall(r"[\d.]+", asked))
    found = [each for each in _existing(python) if lowest <= each < below]
    if not found:
        raise CompatError(f"the package registry has no version of {asked}")
    return found


def _existing(python: str) -> list[Version]:
    """What the package registry has, without candidates for a release; what it had last where it is not reached."""
    kept = BUILD / "versions.json"
    asked = [python, "-m", "pip", "index", "versions", "litellm", "--disable-pip-version-check"]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT)
    match = re.search(r"Available versions: (.+)", done.stdout)
    if match is not None:
        texts = re.findall(r"(?<![\w.])\d+(?:\.\d+)+(?![\w.])", match[1])
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(texts), "utf-8")
    elif kept.exists():
        day = datetime.fromtimestamp(kept.stat().st_mtime, UTC).date()
        print(f"compat: the package registry was not reached; its versions are those of {day}", file=sys.stderr)
        texts = json.loads(kept.read_text("utf-8"))
    else:
        raise CompatError(f"the package registry was not reached:\n{done.stderr.strip()[-500:]}")
    return sorted(_number(text) for text in texts)


def _recent(versions: Sequence[Version]) -> list[Version]:
    """The last patch of each minor release, from the newest back to the first that is older than three months."""
    since = (datetime.now(UTC).date() - RECENT).isoformat()
    found: list[Version] = []
    for _, patches in groupby(reversed(versions), key=lambda each: each[:2]):
        last = next(patches)
        if _released(last) < since:
            break
        found.append(last)
    return found


def _released(version: Version) -> str:
    """The day on which it was published, as the package registry tells; `?` where it does not."""
    kept = BUILD / "released.json"
    known: dict[str, str] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    text = _text(version)
    if text not in known:
        # uv names the day of a version that it may not take yet.
        asked = _uv("pip", "compile", "-", "--no-deps", "--no-header", "--exclude-newer", "2023-01-01")
        done = subprocess.run(asked, input=f"litellm=={text}", capture_output=True, text=True, cwd=ROOT)
        match = re.search(r"published\s+at\s+(\d{4}-\d\d-\d\d)", done.stderr)
        if match is None:
            return "?"
        known[text] = date.fromisoformat(match[1]).isoformat()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(known, indent=1), "utf-8")
    return known[text]


def _number(text: str) -> Version:
    return tuple(map(int, text.split(".")))


def _text(version: Version) -> str:
    return ".".join(map(str, version))


# one version


def _test(version: str, python: str, seconds: float, progress: Progress) -> Result:
    """Make its environment if need be, run the marked tests in it, and ask which ways are open."""
    result = Result(version, _released(_number(version)))
    began = time.monotonic()
    try:
        interpreter = _environment(version, python, progress)
        asked = "import platform, importlib.metadata as m; print(platform.python_version(), m.version('openai'))"
        result.python, result.sdk = _run([interpreter, "-c", asked]).split()
        result.ways = _ways(interpreter)
        _pytest(result, interpreter, seconds, _log(version, python), progress)
    except CompatError as error:
        result.problem = str(error).splitlines()[0]
        _log(version, python).write_text(str(error), "utf-8")
    result.seconds = time.monotonic() - began
    told = result.problem or f"{result.passed} passed, {result.failed} failed"
    progress.say(version, f"{told} after {result.seconds:.0f} s")
    return result


def _environment(version: str, python: str, progress: Progress) -> str:
    """The interpreter of an environment with this version and what the project and its tests need besides."""
    project = _project()
    others = [each for each in project["dependencies"] if not each.startswith("litellm")]
    tools = [each for each in project["optional-dependencies"]["dev"] if re.split(r"[^\w-]", each)[0] in TEST_TOOLS]
    wanted = [f"litellm=={version}", *others, *tools]
    folder = _folder(version, python)
    interpreter, stamp = folder / "bin" / "python", folder / "installed"
    content = hashlib.sha256("\n".join((python, *wanted)).encode()).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == content:
        return str(interpreter)
    progress.say(version, "making its environment ...")
    _run(_uv("venv", "--clear", "--python", python, str(folder)))
    _run(_uv("pip", "install", "--python", str(interpreter), *wanted))
    packages = _run([str(interpreter), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    (Path(packages) / "this_project.pth").write_text(f"{ROOT}\n", "utf-8")
    stamp.write_text(content, "utf-8")
    return str(interpreter)


def _ways(interpreter: str) -> dict[str, str]:
    """By provider, which way its chats go."""
    told = _run([interpreter, "-m", "router_config.cli", "check", "--config", "litellm.yaml", "--verbose", "--json"])
    return {each["name"]: each["way"] for each in json.loads(told)["ways"] if "way" in each}


def _pytest(result: Result, interpreter: str, seconds: float, log: Path, progress: Progress) -> None:
    marked = [str(each) for each in sorted(TESTS.rglob("test_*.py")) if "mark.contract" in each.read_text("utf-8")]
    chosen = ["-m", "contract", "-k", "not redis"]  # There is no server of Redis in such an environment.
    asked = [interpreter, "-m", "pytest", *chosen, "-p", "no:cacheprovider", "--color=no", *marked]
    last = ""
    with (
        log.open("w", encoding="utf-8") as copy,
        subprocess.Popen(
            asked, cwd=ROOT, env=_bare(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as running,
    ):
        deadline = threading.Timer(seconds, running.kill)
        deadline.start()
        for line in running.stdout or ():
            copy.write(line)
            if match := re.search(r"\[ *(\d+%)\]", line):
                progress.say(result.version, match[1], passing=True)
            if line.startswith(("FAILED tests", "ERROR tests")):
                progress.say(result.version, line.strip()[:160])
            if re.search(r"\d (passed|failed|errors?).* in [\d.]+s", line):
                last = line
        late = not deadline.is_alive()
        deadline.cancel()
    counts = {name: int(number) for number, name in re.findall(r"(\d+) (passed|failed|error)", last)}
    result.passed, result.failed = counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0)
    if late:
        result.problem = f"not done after {seconds:.0f} s"
    elif not counts:
        result.problem = f"pytest ended with {running.returncode}"


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=_bare())
    if done.returncode:
        name = " ".join(Path(each).name for each in command[:3])
        raise CompatError(f"{name} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _bare() -> dict[str, str]:
    """The environment without what would lead another interpreter astray, or LiteLLM to the network."""
    kept = {name: text for name, text in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _uv(*arguments: str) -> list[str]:
    """A command of uv, which is fetched when it is needed first."""
    if not UV.exists():
        _run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(UV.parent.parent), "uv"])
    return [str(UV), *arguments, "--no-progress"]


def _folder(version: str, python: str) -> Path:
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return BUILD / f"{version}-py{_run(asked).strip()}"


def _log(version: str, python: str) -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    folder = _folder(version, python)
    return folder.with_name(f"{folder.name}.log")


def _path_of(python: str) -> str:
    """The interpreter that a name means, itself and not an environment around it."""
    asked = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
    try:
        return _run([python, "-c", asked]).strip()
    except (OSError, CompatError) as error:
        raise CompatError(f"--python {python}: {error}") from None


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project


# the table


def _write_readme(rows: Sequence[str], *, whole: bool) -> None:
    """Put the rows between the markers of README.md. whole: instead of all rows there, else of those they renew."""
    text = README.read_text("utf-8")
    before, start, rest = text.partition(START)
    old, end, after = rest.partition(END)
    if not (start and end):
        raise CompatError(f"README.md lacks the lines {START} and {END}")
    kept = {} if whole else {_key(row): row for row in old.splitlines() if re.match(r"\| \d", row)}
    kept |= {_key(row): row for row in rows}
    table = "\n".join((*HEAD, *(kept[key] for key in sorted(kept))))
    README.write_text(f"{before}{START}\n{table}\n{END}{after}", "utf-8")


def _key(row: str) -> tuple[Version, tuple[int, ...]]:
    """Version and Python's minor version: one row for each pair."""
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    python = _number(cells[2])[:2] if re.fullmatch(r"[\d.]+", cells[2]) else ()
    return _number(cells[0]), python


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python scripts/compat.py",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("version", nargs="*", metavar="VERSION", help="default: all")
    add("--python", default=sys.executable, metavar="PATH", help="the interpreter to test with (default: this one)")
    cores = max(1, min(4, os.cpu_count() or 1))
    add("--jobs", type=int, default=cores, metavar="N", help=f"versions tested at once (default: {cores})")
    add(
        "--seconds",
        type=float,
        default=300.0,
        metavar="N",
        help="what the tests of one version may take (default: 300)",
    )
    add("--list", action="store_true", help="print the versions and their days, and test nothing")
    add("--no-readme", action="store_true", help="leave the table in README.md as it is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
