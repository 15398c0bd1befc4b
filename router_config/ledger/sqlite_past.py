"""What the state file remembers of what happened."""

import random
import sqlite3
from collections.abc import Mapping
from itertools import chain

from router_config.ledger.decisions import DECISIONS_KEPT, Decision, decision_of, decision_text
from router_config.ledger.events import EVENTS_KEPT, Event
from router_config.ledger.history import LATENCIES_KEPT, MINUTES_KEPT, SLOT_SECONDS, SLOTS_KEPT, minute_of, slot_of
from router_config.ledger.meters import Amount
from router_config.ledger.past import Past
from router_config.ledger.sqlite_file import StateFile
from router_config.ledger.store import LastError, Outcome, SlotSeconds, Usage
from router_config.ledger.totals import Counted, Ending, Sums, Totals, ending


class SQLitePast(Past):
    """Every method runs inside the transaction of a step."""

    def __init__(self, file: StateFile) -> None:
        self._file = file
        self._positions: dict[str, int] = {}

    @property
    def _db(self) -> sqlite3.Connection:
        return self._file.db

    def record(self, outcome: Outcome, spent: Amount, now: float) -> None:
        self._record_slot(outcome, spent, slot_of(now))
        self._record_minute(outcome, spent, minute_of(now))
        if outcome.error is None:
            self._record_answer(outcome)
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO last_error VALUES (?,?,?,?)",
                (outcome.provider, now, outcome.error, outcome.message),
            )
        self._add_up(outcome, spent)

    def _record_slot(self, outcome: Outcome, spent: Amount, slot: int) -> None:
        new = self._db.execute(
            "INSERT INTO usage VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET requests=requests+excluded.requests, "
            "tokens=tokens+excluded.tokens, usd=usd+excluded.usd, errors=errors+excluded.errors RETURNING requests",
            (outcome.provider, slot, *spent, outcome.error is not None),
        ).fetchone()
        if new[0] <= 1:
            self._db.execute("DELETE FROM usage WHERE provider=? AND slot<=?", (outcome.provider, slot - SLOTS_KEPT))

    def _record_minute(self, outcome: Outcome, spent: Amount, minute: int) -> None:
        self._db.execute(
            "INSERT INTO minute VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
            "requests=requests*(slot=excluded.slot)+excluded.requests, "
            "tokens=tokens*(slot=excluded.slot)+excluded.tokens, usd=usd*(slot=excluded.slot)+excluded.usd, "
            "errors=errors*(slot=excluded.slot)+excluded.errors, slot=excluded.slot WHERE excluded.slot>=slot",
            (outcome.provider, minute % MINUTES_KEPT, minute, *spent, outcome.error is not None),
        )

    def _record_answer(self, outcome: Outcome) -> None:
        place = self._positions.get(outcome.provider)
        place = random.randrange(LATENCIES_KEPT) if place is None else (place + 1) % LATENCIES_KEPT
        self._positions[outcome.provider] = place
        row = (outcome.provider, place, round(outcome.seconds * 1000))
        self._db.execute("INSERT OR REPLACE INTO answer VALUES (?,?,?)", row)

    def _add_up(self, outcome: Outcome, spent: Amount) -> None:
        how = ending(outcome.provider, outcome.model, outcome.ended, outcome.seconds)
        self._db.execute(
            "INSERT INTO attempt_total VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
            "attempts=attempts+excluded.attempts, tokens=tokens+excluded.tokens, usd=usd+excluded.usd, "
            "seconds=seconds+excluded.seconds",
            (*how, 1, spent.tokens, spent.usd, outcome.seconds),
        )

    def count_on(self, counted: Counted, times: int) -> None:
        self._db.execute(
            "INSERT INTO counted_total VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET times=times+excluded.times",
            (*counted, times),
        )

    def put_decision(self, decision: Decision) -> None:
        text = decision_text(decision)
        number = self._db.execute("INSERT INTO decision (text) VALUES (?)", (text,)).lastrowid or 0
        if number % 50 == 0:  # Seldom, for it costs as much as to insert one.
            self._db.execute("DELETE FROM decision WHERE number<=?", (number - DECISIONS_KEPT,))

    def put_event(self, event: Event) -> None:
        row = (event.at, event.kind, event.provider, event.reason, event.until)
        put = self._db.execute("INSERT INTO event (at, kind, provider, reason, until) VALUES (?,?,?,?,?)", row)
        self._db.execute("DELETE FROM event WHERE number<=?", ((put.lastrowid or 0) - EVENTS_KEPT,))

    def usage(self, since: Mapping[str, float]) -> dict[str, Usage]:
        found: dict[str, Usage] = {}
        for provider, moment in since.items():
            sums = self._db.execute(
                "SELECT sum(requests), sum(tokens), sum(usd), sum(errors) FROM usage WHERE provider=? AND slot>=?",
                (provider, moment // SLOT_SECONDS),
            ).fetchone()
            took = self._db.execute("SELECT milliseconds FROM answer WHERE provider=?", (provider,))
            latencies = tuple(chain.from_iterable(took))
            if sums[0] is not None or latencies:
                requests, tokens, usd, errors = (each or 0 for each in sums)
                found[provider] = Usage(requests, tokens, usd, errors, latencies)
        return found

    def tokens_since(self, provider: str, moment: float) -> int:
        wanted = (provider, moment // SLOT_SECONDS)
        tokens = self._db.execute("SELECT sum(tokens) FROM usage WHERE provider=? AND slot>=?", wanted).fetchone()[0]
        return tokens or 0

    def slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        table = "usage" if slot_seconds == SLOT_SECONDS else "minute"
        rows = self._db.execute(
            f"SELECT provider, slot, requests, tokens, usd, errors FROM {table} WHERE slot>=?", (since // slot_seconds,)
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
            "SELECT number, text FROM decision WHERE number>? ORDER BY number DESC LIMIT ?",
            (after if after <= newest else 0, min(last, DECISIONS_KEPT)),
        )
        return tuple(decision_of(text, number) for number, text in rows)

    def events(self) -> tuple[Event, ...]:
        rows = self._db.execute("SELECT at, kind, provider, reason, until FROM event ORDER BY number")
        return tuple(Event(*row) for row in rows)
