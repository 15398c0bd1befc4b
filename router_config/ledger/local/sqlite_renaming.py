"""Scopes of the state file under the names that they have now."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any


def take_over(db: sqlite3.Connection, formerly: Mapping[str, str]) -> bool:
    """Give scopes their new name where nothing stands under it yet. Whether anything was changed.

    formerly: the other names, each with the name now. To be called inside a transaction.
    """
    found: dict[str, str] = {}
    for old, new in _there(db, "meter", formerly).items():
        if not db.execute("UPDATE OR IGNORE meter SET scope=? WHERE scope=?", (new, old)).rowcount:
            continue
        db.execute("DELETE FROM slot WHERE scope=?", (new,))
        db.execute("UPDATE slot SET scope=? WHERE scope=?", (new, old))
        found[old] = new
    for old, new in _there(db, "rest", formerly).items():
        if db.execute("UPDATE OR IGNORE rest SET scope=? WHERE scope=?", (new, old)).rowcount:
            found[old] = new
    if found:
        for lease_id, scopes, probes in db.execute("SELECT id, scopes, probes FROM lease").fetchall():
            after = _renamed(scopes, found), _renamed(probes, found)
            if after != (scopes, probes):
                db.execute("UPDATE lease SET scopes=?, probes=? WHERE id=?", (*after, lease_id))
    return bool(found)


def _there(db: sqlite3.Connection, table: str, formerly: Mapping[str, str]) -> dict[str, str]:
    """Those of the other names under which something stands, in their order."""
    there = {scope for (scope,) in db.execute(f"SELECT scope FROM {table}")}
    return {old: new for old, new in formerly.items() if old in there}


def _renamed(text: str, found: Mapping[str, str]) -> str:
    scopes: list[Any] = json.loads(text)
    return json.dumps([found.get(scope, scope) for scope in scopes])
