"""No number of the rules is written twice, once in Python and once in Lua or SQL."""

import re
from importlib.resources import files

import pytest

from router_config.ledger.redis.scripts import CONSTANTS, script

FOLDER = files("router_config.ledger.redis").joinpath("lua")
SCRIPTS = sorted(each.name for each in FOLDER.iterdir() if each.name.endswith(".lua"))

PLAIN = {"0", "1", "2"}
"""Nothing, one, the first, the next, every second: such numbers are no setting of a rule."""

PLACES = re.compile(r"""
    \[ \s* \d (?: \s* \+ \s* index )? \s* \]   # a place in an array, as in ARGV[3], mark[4] or ARGV[3 + index]
  | = \s* \d [^,]* , \s* \#ARGV (?: , \s* \d )?  # the place of the first of many arguments, and how many go together
""", re.VERBOSE)  # fmt: skip

NUMBER = re.compile(r"(?<![\w.])(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


def numbers_in(lua: str) -> set[str]:
    """The numbers in Lua code that are neither plain nor the place of an argument or a part."""
    code = re.sub(r"'[^'\n]*'", "''", re.sub(r"--.*", "", lua))
    return set(NUMBER.findall(PLACES.sub("", code))) - PLAIN


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_lua_script_holds_a_number_of_its_own(name: str) -> None:
    assert numbers_in(FOLDER.joinpath(name).read_text("utf-8")) == set()


def test_the_tables_hold_no_number_of_their_own() -> None:
    assert numbers_in(files("router_config.ledger.local").joinpath("schema.sql").read_text("utf-8")) == set()


def test_the_check_finds_every_form_of_a_number() -> None:
    lua = "local kept = 500 -- 7\nlast = 3 * 86400.5 + 1e-9\nif n > 0x1F then return 'as 60' end\nARGV[9] = mark[4]"
    assert numbers_in(lua) == {"500", "3", "86400.5", "1e-9", "0x1F"}


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_every_constant_is_used_and_none_is_set_in_lua(name: str) -> None:
    texts = [FOLDER.joinpath(each).read_text("utf-8") for each in SCRIPTS]
    assert any(re.search(rf"\b{name}\b", text) for text in texts)
    assert not any(re.search(rf"\b{name} =", text) for text in texts)


def test_constants_are_written_as_lua_reads_them() -> None:
    text = script("settle").text
    assert "local LENGTHS = { minute = 60.0, hour = 3600.0, day = 86400.0, " in text
    assert "local LIMITS = { { period = 'minute', metric = 'requests', unit = 'minute', exhausts = false }, " in text
    assert "local COOLDOWN_EVENTS = { cooldown = true, disabled = true, exhausted = true }\n" in text
    assert "local DECISIONS_KEPT = 500\n" in text
