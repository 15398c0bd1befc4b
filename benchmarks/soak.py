"""Every fault, at random, at five providers under load in two processes: what callers see, what is counted, what grows.

python -m benchmarks.soak --quick
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.clients import MODELS
from benchmarks.turmoil.cooldowns import Cooldown, Pauses, cooldowns
from benchmarks.turmoil.faults import LOOSE, Deal, Episode, catalog
from benchmarks.turmoil.findings import (
    back_rows,
    counted_and_arrived,
    failures,
    growth,
    reasons,
    returns,
    rows,
    table,
    upheaval_rows,
)
from benchmarks.turmoil.processes import Callers, OwnRedis, say
from benchmarks.turmoil.upheavals import Upheavals
from benchmarks.upstream import Upstream

ROUND: Final = 4.0
"""Seconds in which a few faults come and go."""

QUIET: Final = 8.0
"""Seconds of load without faults at the end, in which every provider is to come back."""

COOLDOWN, TIMEOUT = 2.0, 3.0
"""Seconds; far shorter than the defaults, so that a minute shows how providers come back."""

PAUSES_DIVIDED_BY: Final = 60.0
"""So does a provider that refused: it is asked again after 5 s instead of 5 min, and so on."""

LIMITS: Final = {
    "groq": {"rpm": 60, "rpd": 1_000_000},
    "gemini": {"rpm": 60, "tpm": 20_000, "rpd": 1_000_000},
    **{name: {"rpm": 30_000, "rpd": 1_000_000} for name in LOOSE},
}
OWN: Final = "a server of its own"
MOST_UNDER_WAY: Final = 4
"""Requests that a process has under way when it is killed, at most; the usual number is one."""

EXAMPLES: Final = """\
examples:
  %(prog)s                              ten minutes
  %(prog)s --quick                      one minute
  %(prog)s --seed 7                     the faults of an earlier run again
  %(prog)s --only "stream:,usage:"      only faults whose name holds one of these
  %(prog)s --list                       the names of all faults
  %(prog)s --redis                      over a Redis server that it starts, kills and starts again
  %(prog)s --redis redis://127.0.0.1:6379/9

Exit code 1 when a target is missed.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table. Exit code 0; 1 when a target was missed."""
    wanted = _parser().parse_args(argv)
    if wanted.list:
        print("\n".join(one.name for one in catalog("http://localhost")))
        return 0
    seconds = wanted.seconds or (60.0 if wanted.quick else 600.0)
    seed = wanted.seed if wanted.seed is not None else random.SystemRandom().randrange(10_000)
    say(f"seed {seed}, {seconds:g} s, cooldown {COOLDOWN:g} s, timeout {TIMEOUT:g} s")
    with ExitStack() as stack:
        soak = Soak(stack, wanted, seed, seconds)
        soak.throw()
        return soak.report()


class Soak:
    """One run: the simulator, the callers, the faults."""

    def __init__(self, stack: ExitStack, wanted: argparse.Namespace, seed: int, seconds: float) -> None:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.wanted, self.seconds, self.seed = wanted, seconds, seed
        self.trap = stack.enter_context(Trap())
        self.upstream = stack.enter_context(Upstream(LIMITS, directory, "20-200", own_ports=True))
        self.state = wanted.redis or f"sqlite:///{directory}/state.db"
        self.directory = directory
        self.episodes: list[Episode] = []
        self.server = OwnRedis(stack) if wanted.redis == OWN else None
        if self.server is not None:
            self.state = self.server.url
        self.config, self.env = self._config(directory)
        self.upstream.keep_bodies()
        self.gone: list[Callers] = []
        self.killed = 0
        """Requests that were under way in processes that were killed, at most."""
        self.callers = [self._callers(number) for number in range(wanted.processes)]
        stack.callback(self._kill_all)
        for each in self.callers:
            each.first = each.next("ready")["first"]
        self.first_size = self._size()

    def throw(self) -> None:
        """Set and clear the faults of each round, and say every two seconds how it goes."""
        load = self.seconds + self.wanted.quiet_seconds
        for each in self.callers:
            each.say(f"go {load}")
        began = time.time()
        self.ends = began + load
        file = None if self.wanted.redis else self.directory / "state.db"
        self.upheavals = Upheavals(self.seed, self.seconds, self.callers, self._restart, file, self.server)
        if not self.wanted.no_upheavals:
            self.upheavals.start()
        only, without = (tuple(filter(None, told.split(","))) for told in (self.wanted.only, self.wanted.without))
        deal = Deal(self.seed, self.trap.url, only, without)
        ahead: list[tuple[float, str, Episode]] = []
        rounds = deal.rounds(ROUND)
        next_round, next_word = began, began + 2.0
        while (now := time.time()) < began + self.seconds:
            if now >= next_round and next_round + ROUND <= began + self.seconds + 0.1:
                for episode in next(rounds):
                    ahead.append((next_round + episode.after, "set", episode))
                    ahead.append((next_round + min(ROUND - 0.1, episode.after + episode.lasts), "clear", episode))
                next_round += ROUND
            ahead.sort(key=lambda one: one[0])
            while ahead and ahead[0][0] <= now:
                _, what, episode = ahead.pop(0)
                self._begin(episode) if what == "set" else self._end(episode)
            if now >= next_word:
                self._progress(now - began)
                next_word += 2.0
            time.sleep(max(0.0, min([next_word, next_round, *(at for at, _, _ in ahead[:1])]) - time.time()))
        for episode in self.episodes:
            if episode.ended == float("inf"):
                self._end(episode)
        if self.upheavals.is_alive():
            self.upheavals.stop()
        while any(each.last is None for each in self.callers):
            self._progress(time.time() - began)
            time.sleep(2.0)
            if time.time() > began + self.seconds + self.wanted.quiet_seconds + 90:
                raise SystemExit("the callers do not end: a request hangs, or a process")

    def report(self) -> int:
        """Print the table. Returns the exit code."""
        lasts = [each.next_last() for each in self.callers]
        everyone = [*self.callers, *self.gone]
        results = [each for one in everyone for each in one.results]
        summary = self.upstream.summary()
        statuses = sorted((one["at"], one["statuses"]) for each in everyone for one in each.statuses)
        calls = self.upstream.calls()
        attempts = [each for one in everyone for each in one.attempts]
        in_cooldown = cooldowns(attempts, self.episodes, Pauses(COOLDOWN, PAUSES_DIVIDED_BY))
        back = returns(self.episodes, calls, statuses, in_cooldown, max(each["ended"] for each in results))
        used = {each["name"]: each["limits"]["rpd"]["used"] for each in lasts[0]["status"]["providers"]}
        lost = failures(results, self.episodes, in_cooldown)
        found = rows(results, self.episodes, lost, summary, self.trap.count)
        found += counted_and_arrived(attempts, calls, used, self.killed)
        found += upheaval_rows(
            [name for _, name in self.upheavals.happened], [f for one in everyone for f in one.forks]
        )
        found += back_rows(back)
        for number, (each, last) in enumerate(zip(self.callers, lasts, strict=True), start=1):
            found += growth(f"process {number}", each.first, last["last"])
        found += growth("store", {"size of the state, kB": self.first_size}, {"size of the state, kB": self._size()})
        missed = [row for row in found if row.missed]
        if self.wanted.json:
            print(json.dumps({"seed": self.seed, "rows": [row.plain() for row in found]}, indent=1))
        else:
            print(f"\n{table(found)}\n")
            self._explain(lost, back, in_cooldown)
            for each in lasts[0]["status"]["providers"]:
                print(f"at the end {each['name']} is {each['status']}: {each['reason'] or 'it may be asked'}")
            print(f"seed {self.seed}: {len(missed)} targets missed")
        return int(bool(missed))

    def _explain(self, lost: Sequence[Any], back: Sequence[Any], in_cooldown: Sequence[Cooldown]) -> None:
        """The reasons of the failures, some of them with the faults of their time; the slowest returns."""
        for count, text in reasons(lost)[: self.wanted.show]:
            print(f"{count} x {text}")
        for each in lost[: self.wanted.show]:
            then = [
                f"{one.provider}: {one.fault.name}"
                for one in self.episodes
                if one.began <= each["ended"] and one.ended >= each["began"] - ROUND
            ]
            began = each["began"] - self.episodes[0].began
            took = each["ended"] - each["began"]
            stopped = {one.provider for one in in_cooldown if one.began <= each["ended"] and one.ended >= each["began"]}
            told = f"at {began:.1f} s a {each['kind']} that took {took:.1f} s, after {'; '.join(then)}"
            print(f"{told}; in cooldown: {', '.join(sorted(stopped)) or 'nobody'}")
        began = min((one.began for one in self.episodes), default=0.0)
        for call in self.upstream.calls():
            if call.outcome in ("rate_limited", "too_large"):
                print(f"at {call.at - began:.1f} s a 429 of {call.provider}: {call.kind}, stream {call.stream}")
        print("; ".join(f"at {at - began:.1f} s {name}" for at, name in self.upheavals.happened))
        slow = sorted((one for one in back if one.seconds is not None), key=lambda one: -(one.seconds or 0))
        for one in slow[:8]:
            print(f"back after {one.seconds:5.1f} s ({one.late:.1f} late): {one.provider}, {one.episode.fault.name}")

    def _callers(self, number: int) -> Callers:
        return Callers(
            {
                "config": str(self.config),
                "env": self.env,
                "pauses_divided_by": PAUSES_DIVIDED_BY,
                "rate": self.wanted.rate / self.wanted.processes,
                "seed": self.seed * 100 + number,
            }
        )

    def _restart(self, number: int) -> None:
        """End a process of callers at once, and start another in its place."""
        before = self.callers[number]
        before.process.kill()
        before.process.wait()
        self.killed += MOST_UNDER_WAY
        self.gone.append(before)
        after = self._callers(number + self.wanted.processes * len(self.gone))
        after.first = after.next("ready")["first"]
        after.say(f"go {max(1.0, self.ends - time.time())}")
        self.callers[number] = after

    def _kill_all(self) -> None:
        for each in (*self.callers, *self.gone):
            each.process.kill()
            each.process.wait()

    def _begin(self, episode: Episode) -> None:
        episode.began = time.time()
        episode.number = self.upstream.fault(episode.provider, episode.fault.what)
        self.episodes.append(episode)

    def _end(self, episode: Episode) -> None:
        if episode.number >= 0:
            self.upstream.clear(episode.number)
            episode.ended = time.time()

    def _progress(self, seconds: float) -> None:
        told = [each.progress for each in self.callers]
        now = [f"{one.provider} {one.fault.name}" for one in self.episodes if one.ended == float("inf")]
        done, failed, open_ = (sum(each[name] for each in told) for name in ("done", "failed", "under_way"))
        line = f"{seconds:5.0f} s: {done} done, {failed} failed, {open_} under way"
        say(f"{line}; {', '.join(now)}"[:150])

    def _config(self, directory: Path) -> tuple[Path, dict[str, str]]:
        document = {
            "version": 1,
            "state": self.state,
            "defaults": {"cooldown": COOLDOWN, "timeout": TIMEOUT},
            "providers": {
                name: {
                    "priority": 2 if name in LOOSE else 1,
                    "tier": "free",
                    "api_base": self.upstream.bases[name],
                    "api_key": f"os.environ/KEY_{name.upper()}",
                    "limits": dict(limits),
                    "models": [MODELS[name]],
                }
                for name, limits in LIMITS.items()
            },
            "aliases": {"*": "default"},
        }
        path = directory / "litellm.yaml"
        path.write_text(yaml.safe_dump(document), "utf-8")
        return path, {f"KEY_{name.upper()}": f"simulated-{name}" for name in LIMITS}

    def _size(self) -> float:
        """Of the state, in kB."""
        if not self.wanted.redis:
            return sum(each.stat().st_size for each in self.directory.glob("state.db*")) / 1e3
        import redis

        with redis.Redis.from_url(self.state) as client:
            return float(client.info("memory")["used_memory"]) / 1e3


class Trap:
    """Another host, where nobody may be sent to. It counts who comes all the same."""

    def __init__(self) -> None:
        trap = self
        self.count = 0

        class Counting(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                trap.count += 1
                self.send_error(500)

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
        self.url = f"http://localhost:{self._server.server_port}/v1/chat/completions"

    def __enter__(self) -> "Trap":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=(__doc__ or "").split("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one minute instead of ten")
    add("--seconds", type=float, metavar="S", help="so many seconds of faults")
    add(
        "--quiet-seconds", type=float, default=QUIET, metavar="S", help="and so many without any after them (default 8)"
    )
    add("--seed", type=int, metavar="N", help="of faults and load (default: a new one, which is printed)")
    add("--rate", type=float, default=12.0, metavar="R", help="requests a second, of all processes (default 12)")
    add("--processes", type=int, default=2, metavar="N", help="processes of callers that share the store (default 2)")
    add(
        "--redis",
        nargs="?",
        const=OWN,
        default="",
        metavar="URL",
        help="share a Redis instead of a SQLite file: an empty database, or a server of its own where none is named",
    )
    add("--no-upheavals", action="store_true", help="leave processes, files, clocks and the server of the store alone")
    add("--only", default="", metavar="TEXTS", help="only faults whose name holds one of these, parted by commas")
    add("--without", default="", metavar="TEXTS", help="and not those whose name holds one of these")
    add("--list", action="store_true", help="print the names of the faults")
    add("--show", type=int, default=10, metavar="N", help="explain so many failures (default 20)")
    add("--json", action="store_true", help="the table as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
