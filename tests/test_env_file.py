"""Writing keys into .env: the rest stays, the file is always whole, what is written is read back."""

import io
import os
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import example, given
from hypothesis import strategies as st

from router_config.cli.editing.env_file import parse_assignments, quoted, require_keys, set_variables, with_variables
from router_config.config.models import ConfigError


def read(text: str) -> dict[str, str | None]:
    return dotenv_values(stream=io.StringIO(text, newline=""))


def test_other_lines_comments_and_order_stay() -> None:
    old = "# keys\n\nA=1   # the first\nexport B='two'\n  C = \"three\" # c\nD\n# end\n"
    new = with_variables(old, {"A": "x", "B": "y", "C": "z", "E": "new"})
    assert new == "# keys\n\nA=x   # the first\nexport B=y\n  C = z # c\nD\n# end\nE=new\n"


def test_windows_line_ends_stay() -> None:
    assert with_variables("A=1\r\nB=2\r\n", {"A": "x", "C": "3"}) == "A=x\r\nB=2\r\nC=3\r\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "A=x\n"),
        ("B=1", "B=1\nA=x\n"),
        ("A", "A=x"),
        ("export A\n", "export A=x\n"),
        ("A=\n", "A=x\n"),
        ("A= # later\n", "A=x # later\n"),
        ("A=#1\n", "A=x\n"),
        ("A='old\nlines'\nB=1\n", "A=x\nB=1\n"),
        ("A=1\nA=2\n", "A=1\nA=x\n"),
        ("'A'=1\n", "'A'=x\n"),
        ("# A=1\n", "# A=1\nA=x\n"),
        ("AA=1\nXA=2\n", "AA=1\nXA=2\nA=x\n"),
        ("\ufeffA=1\n", "\ufeffA=x\n"),
        ("not a line\n", "not a line\nA=x\n"),
    ],
)
def test_a_variable_is_set_where_it_stands_or_at_the_end(old: str, new: str) -> None:
    assert with_variables(old, {"A": "x"}) == new
    assert read(new)["A"] == "x"


@given(st.text(min_size=1))
@example("${HOME}")
@example("a'b\"c\\d#e $f `g` ${h:-i}\n")
@example("\\'")
@example("${")
def test_python_dotenv_reads_back_what_was_written(value: str) -> None:
    assert read(f"A={quoted(value)}\nB=1\n") == {"A": value, "B": "1"}


@given(
    st.lists(
        st.sampled_from(
            ["A=1", "export A = 'x # y' # c", "# A=3", "", 'B="q\\"q" # c', "A", "A= # c", "C=#v", "D='m\nn'"]
        )
    ),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1),
    st.sampled_from(["\n", "\r\n"]),
)
def test_setting_one_variable_changes_no_other(lines: list[str], value: str, newline: str) -> None:
    text = newline.join(lines)
    assert read(with_variables(text, {"A": value})) == {**read(text), "A": value}


def test_the_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n")
    file.chmod(0o644)
    set_variables(file, {"A": "x"})
    assert file.read_text() == "A=x\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    set_variables(tmp_path / "new.env", {"A": "x"})
    assert stat.S_IMODE((tmp_path / "new.env").stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [".env", "new.env"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "keys", tmp_path / ".env"
    target.write_text("B=1\n")
    link.symlink_to(target)
    set_variables(link, {"A": "x"})
    assert link.is_symlink()
    assert target.read_text() == "B=1\nA=x\n"


def test_an_open_file_keeps_its_old_content(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n")
    with file.open() as reader:
        set_variables(file, {"A": "2"})
        assert reader.read() == "A=1\n"


def test_an_open_quote_that_would_swallow_the_new_line_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    old = "B='open\n"
    file.write_text(old)
    with pytest.raises(ConfigError, match=r"\.env:1: this line would swallow the new ones"):
        set_variables(file, {"A": "it is quoted"})
    assert file.read_text() == old


@pytest.mark.parametrize("content", [b"A=\xff\n", None])
def test_what_is_no_text_file_is_refused_and_left_alone(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / ".env"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"not UTF-8 text|not a file"):
        set_variables(file, {"A": "x"})
    assert file.is_dir() if content is None else file.read_bytes() == content


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        set_variables(tmp_path / "nowhere" / ".env", {"A": "x"})


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / ".env"
    file.write_text("A=1\n")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        set_variables(file, {"A": "x"})
    assert [each.name for each in tmp_path.iterdir()] == [".env"]
    assert file.read_text() == "A=1\n"


def test_assignments_are_read_as_dotenv_reads_them() -> None:
    text = "# keys\nexport A=1\nB='t w o'\nC=\n\nD=$A ${A} # c\n"
    assert parse_assignments(text) == {"A": "1", "B": "t w o", "D": "$A ${A}"}


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\nsecretkey\n", 2), ("\n\nA B=1\n", 3), ("A='open\n", 1), ("A-B=1\n", 1)]
)
def test_a_line_that_is_no_assignment_is_named_by_number_only(text: str, line: int) -> None:
    with pytest.raises(ConfigError, match=f"line {line}: this is not NAME=value") as caught:
        parse_assignments(text)
    assert "secretkey" not in str(caught.value)


def test_what_is_no_key_is_refused_without_showing_it() -> None:
    require_keys({"A": "gsk_fine-1"})
    with pytest.raises(ConfigError, match=r"^A: no key holds spaces") as caught:
        require_keys({"A": "two words"})
    assert "two words" not in str(caught.value)
