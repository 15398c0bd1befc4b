"""The tables of the state file, and what an older version wrote brought into their form."""

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from router_config.ledger.local.pages import NO_SLOT
from router_config.ledger.local.sqlite_rows import LATENCY_DIGITS, LONGEST_LATENCY
from router_config.ledger.rules.history import HOUR_SLOTS, SLOT_MINUTES

SCHEMA_VERSION: Final = 6

ADDED_SINCE: Final = ("hour_usage", "decision_later", "prompt_usage", "affinity")
"""Tables and views that came later without a new version, since an older one does not miss them."""

_NEVER: Final = "9e999"
"""As SQLite writes `inf`: a window that holds nothing leaves never."""

_TAKE_OVER: Final = {
    "meter": (
        5,
        f"""INSERT INTO meter SELECT
        scope, open_requests, open_tokens, open_usd,
        minute_requests, minute_tokens, minute_usd, coalesce(minute_leaves, {_NEVER}),
        {NO_SLOT}, {_NEVER}, minute_requests, minute_tokens, minute_usd,
        day_requests, day_tokens, day_usd, coalesce(day_leaves, {_NEVER}),
        {NO_SLOT}, {_NEVER}, day_requests, day_tokens, day_usd, seen FROM old_meter""",
    ),
    "lease": (6, "INSERT INTO lease SELECT *, NULL, NULL FROM old_lease"),
    "process": (6, "INSERT INTO process SELECT name, seen_at, seen_at FROM old_process"),
    "minute": (5, "INSERT INTO minute SELECT provider, slot, requests, tokens, usd, errors FROM old_minute"),
    "answer": (
        5,
        f"""INSERT INTO course SELECT
        provider, 0, 0, 0, 0, 0, group_concat(printf('%0{LATENCY_DIGITS}d', min(milliseconds, {LONGEST_LATENCY})), '')
        FROM old_answer GROUP BY provider""",
    ),
}
"""The tables that had other columns before a schema, and how it takes over their rows."""


class NewerSchemaError(Exception):
    """The file was written by a newer version of this package, with the schema `version`."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Create or upgrade the tables, wholly or not at all. Raises `NewerSchemaError`."""
    if _is_up_to_date(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _upgrade(connection, _version(connection))  # Asked again: another process may have been first.
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(version)
    if _is_up_to_date(connection):
        return
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    old = [table for table, (since, _) in _TAKE_OVER.items() if version < since and table in tables]
    for table in old:
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    schema = files("router_config.ledger.local").joinpath("schema.sql").read_text("utf-8")
    for name, number in (("SLOT_MINUTES", SLOT_MINUTES), ("HOUR_SLOTS", HOUR_SLOTS)):
        schema = schema.replace(f"{{{name}}}", str(number))
    for statement in _statements(schema):
        connection.execute(statement)
    for table in old:
        connection.execute(_TAKE_OVER[table][1])
        connection.execute(f"DROP TABLE old_{table}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _is_up_to_date(connection: sqlite3.Connection) -> bool:
    marks = ",".join("?" * len(ADDED_SINCE))
    added = connection.execute(f"SELECT count(*) FROM sqlite_master WHERE name IN ({marks})", ADDED_SINCE).fetchone()[0]
    return bool(added == len(ADDED_SINCE)) and _version(connection) == SCHEMA_VERSION


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """One by one, for `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
