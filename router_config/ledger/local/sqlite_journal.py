"""The journal in the state file."""

import sqlite3
from collections.abc import Mapping
from typing import Final

from router_config.ledger.local.journal import LocalJournal
from router_config.ledger.local.sqlite_file import StateFile
from router_config.ledger.local.sqlite_rows import LATENCY_DIGITS, adding, latencies_of, latency_text
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision, decision_of, decision_text
from router_config.ledger.rules.history import (
    EVENTS_KEPT,
    HOUR_SECONDS,
    HOUR_SLOTS,
    HOURS_KEPT,
    LATENCIES_KEPT,
    MINUTE_SECONDS,
    MINUTES_KEPT,
    SLOT_MINUTES,
    SLOT_SECONDS,
    SLOTS_KEPT,
    Event,
    SlotSeconds,
    minute_of,
)
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.totals import Counted, Ending, Sums, Totals, ending
from router_config.ledger.values import LastError, Outcome, Usage

_Sums = tuple[float, ...]
"""Requests, tokens, dollars, errors."""

_NONE: Final[_Sums] = (0, 0, 0.0, 0)

_NO_HISTORY: Final = (0, *_NONE, "")

# Tables of usage: minutes in one slot of the table, and slots kept.
_USAGE: Final = {"minute": (1, MINUTES_KEPT), "usage": (SLOT_MINUTES, SLOTS_KEPT)}
_ADD_USAGE: Final = {table: adding(table, 2, "requests", "tokens", "usd", "errors") for table in (*_USAGE, "hour")}
_READ_USAGE: Final = {MINUTE_SECONDS: "minute_usage", SLOT_SECONDS: "slot_usage", HOUR_SECONDS: "hour_usage"}
_ADD_ATTEMPT: Final = adding("attempt_total", 4, "attempts", "tokens", "usd", "seconds")
_ADD_TO_PROMPTS: Final = "UPDATE prompt_usage SET prompt=prompt+?, cached=cached+? WHERE provider=? AND slot=?"
_ADD_COUNTED: Final = adding("counted_total", 3, "times")


class SQLiteJournal(LocalJournal):
    """Every method runs inside the transaction of a step."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    @property
    def _db(self) -> sqlite3.Connection:
        return self._file.db

    def record(self, outcome: Outcome, spent: Amount, now: float) -> None:
        provider, minute, failed = outcome.provider, minute_of(now), outcome.error is not None
        took = "" if failed else latency_text(round(outcome.seconds * 1000))
        if not self._goes_on(provider, minute, (*spent, failed), took):
            present = self._turned_to(provider, minute)
            if present == minute:
                self._goes_on(provider, minute, (*spent, failed), took)
            else:
                self._close(provider, minute, (*spent, failed), present)
                self._goes_on(provider, present, _NONE, took)
        if failed:
            self._db.execute(
                "INSERT OR REPLACE INTO last_error VALUES (?,?,?,?)", (provider, now, outcome.error, outcome.message)
            )
        if outcome.prompt:
            slot = minute // SLOT_MINUTES
            added = self._db.execute(_ADD_TO_PROMPTS, (outcome.prompt, outcome.cached, provider, slot))
            if not added.rowcount:
                self._db.execute("INSERT INTO prompt_usage VALUES (?,?,?,?)", (provider, slot, *outcome[6:8]))
                self._db.execute("DELETE FROM prompt_usage WHERE provider=? AND slot<=?", (provider, slot - SLOTS_KEPT))
        self._add_up(outcome, spent)

    def _goes_on(self, provider: str, minute: int, sums: _Sums, took: str) -> bool:
        """Add to a provider's present minute; False where that is another one."""
        going = self._db.execute(
            "UPDATE course SET requests=requests+?, tokens=tokens+?, usd=usd+?, errors=errors+?, "
            f"latencies=substr(latencies||?, -{LATENCIES_KEPT * LATENCY_DIGITS}) WHERE provider=? AND minute=?",
            (*sums, took, provider, minute),
        )
        return going.rowcount > 0

    def _turned_to(self, provider: str, minute: int) -> int:
        """Make `minute` a provider's present one, unless a later one has begun; the present one."""
        row = self._db.execute(
            "SELECT minute, requests, tokens, usd, errors FROM course WHERE provider=?", (provider,)
        ).fetchone()
        if row is None:
            self._db.execute("INSERT INTO course VALUES (?,?,0,0,0,0,'')", (provider, minute))
            return minute
        before, *sums = row
        if before >= minute:
            return int(before)
        self._close(provider, before, tuple(sums), minute)
        self._db.execute(
            "UPDATE course SET minute=?, requests=0, tokens=0, usd=0, errors=0 WHERE provider=?", (minute, provider)
        )
        return minute

    def _close(self, provider: str, minute: int, sums: _Sums, present: int) -> None:
        """Add to a minute that is over and to the slot that it is in, and drop what is too old at the present one."""
        for table, (minutes, kept) in _USAGE.items():
            self._db.execute(_ADD_USAGE[table], (provider, minute // minutes, *sums))
            oldest = present // minutes - kept
            if table == "usage":
                self._leave(provider, oldest)
            self._db.execute(f"DELETE FROM {table} WHERE provider=? AND slot<=?", (provider, oldest))

    def _leave(self, provider: str, oldest: int) -> None:
        """Add the slots that are about to be dropped to their hours."""
        rows = self._db.execute(
            "SELECT provider, slot/?, requests, tokens, usd, errors FROM usage WHERE provider=? AND slot<=?",
            (HOUR_SLOTS, provider, oldest),
        ).fetchall()
        if rows:
            self._db.executemany(_ADD_USAGE["hour"], rows)
            first = (oldest + SLOTS_KEPT) // HOUR_SLOTS - HOURS_KEPT
            self._db.execute("DELETE FROM hour WHERE provider=? AND slot<=?", (provider, first))

    def _add_up(self, outcome: Outcome, spent: Amount) -> None:
        how = ending(outcome.provider, outcome.model, outcome.ended, outcome.seconds)
        self._db.execute(_ADD_ATTEMPT, (*how, 1, spent.tokens, spent.usd, outcome.seconds))

    def count_on(self, counted: Counted, times: int) -> None:
        self._db.execute(_ADD_COUNTED, (*counted, times))

    def put_decision(self, decision: Decision) -> None:
        text, _, later = decision_text(decision).partition("\n")
        number = self._db.execute("INSERT INTO decision (text) VALUES (?)", (text,)).lastrowid or 0
        if later:
            self._db.execute("INSERT OR REPLACE INTO decision_later VALUES (?,?)", (number, later))
        if number % 50 == 0:  # Seldom, for it costs as much as to insert one.
            for table in ("decision", "decision_later"):
                self._db.execute(f"DELETE FROM {table} WHERE number<=?", (number - DECISIONS_KEPT,))

    def put_event(self, event: Event) -> None:
        row = (event.at, event.kind, event.provider, event.reason, event.until)
        put = self._db.execute("INSERT INTO event (at, kind, provider, reason, until) VALUES (?,?,?,?,?)", row)
        self._db.execute("DELETE FROM event WHERE number<=?", ((put.lastrowid or 0) - EVENTS_KEPT,))

    def usage(self, since: Mapping[str, float]) -> dict[str, Usage]:
        histories = {provider: history for provider, *history in self._db.execute("SELECT * FROM course")}
        found: dict[str, Usage] = {}
        for provider, moment in since.items():
            first = moment // SLOT_SECONDS
            over = self._db.execute(
                "SELECT sum(requests), sum(tokens), sum(usd), sum(errors) FROM usage WHERE provider=? AND slot>=?",
                (provider, first),
            ).fetchone()
            if over[0] is None and provider not in histories:
                continue
            minute, *present, latencies = histories.get(provider, _NO_HISTORY)
            sums = present if minute // SLOT_MINUTES >= first else _NONE
            requests, tokens, usd, errors = ((one or 0) + other for one, other in zip(over, sums, strict=True))
            prompts = self._db.execute(
                "SELECT sum(prompt), sum(cached) FROM prompt_usage WHERE provider=? AND slot>=?", (provider, first)
            ).fetchone()
            prompt, cached = (each or 0 for each in prompts)
            found[provider] = Usage(requests, tokens, usd, errors, latencies_of(latencies), prompt, cached)
        return found

    def tokens_since(self, provider: str, moment: float) -> int:
        tokens = self._db.execute(
            "SELECT sum(tokens) FROM slot_usage WHERE provider=? AND slot>=?", (provider, moment // SLOT_SECONDS)
        ).fetchone()[0]
        return tokens or 0

    def slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        rows = self._db.execute(
            "SELECT provider, slot, sum(requests), sum(tokens), sum(usd), sum(errors) "
            f"FROM {_READ_USAGE[slot_seconds]} WHERE slot>=? GROUP BY provider, slot",
            (since // slot_seconds,),
        )
        found: dict[str, dict[int, Usage]] = {}
        for provider, slot, *usage in rows:
            found.setdefault(provider, {})[slot] = Usage(*usage)
        return found

    def last_errors(self) -> dict[str, LastError]:
        rows = self._db.execute("SELECT provider, at, kind, message FROM last_error")
        return {row[0]: LastError(*row[1:]) for row in rows}

    def totals(self) -> Totals:
        attempts = self._db.execute("SELECT * FROM attempt_total")
        counted = self._db.execute("SELECT * FROM counted_total")
        return Totals(
            {Ending(*row[:4]): Sums(*row[4:]) for row in attempts}, {Counted(*row[:3]): row[3] for row in counted}
        )

    def decisions(self, after: int, last: int) -> tuple[Decision, ...]:
        newest = self._db.execute("SELECT max(number) FROM decision").fetchone()[0] or 0
        rows = self._db.execute(
            "SELECT number, decision.text || coalesce(char(10) || decision_later.text, '') "
            "FROM decision LEFT JOIN decision_later USING (number) WHERE number>? ORDER BY number DESC LIMIT ?",
            (after if after <= newest else 0, min(last, DECISIONS_KEPT)),
        )
        return tuple(decision_of(text, number) for number, text in rows)

    def events(self) -> tuple[Event, ...]:
        rows = self._db.execute("SELECT at, kind, provider, reason, until FROM event ORDER BY number")
        return tuple(Event(*row) for row in rows)
