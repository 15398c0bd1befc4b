"""`router-config serve` while its file is edited: the last good one stays, and what is wrong is told."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rig_monitoring import PATIENCE, STATUS, Start

from monitoring import ConfiguredSource
from monitoring.documents import StatusDocument
from router_config import load_config
from router_config.ledger.opening import open_store

GOOD = """\
state: memory://
providers:
  groq: {api_key: os.environ/GROQ_API_KEY, limits: {rpm: 30}, models: [openai/gpt-oss-120b]}
"""
BROKEN = GOOD.replace("rpm: 30", "rpm: lots")
MORE = GOOD + "  gemini: {api_key: os.environ/GEMINI_API_KEY, models: [gemini-3.8-flash]}\n"


class File:
    """litellm.yaml, and the status of a source that follows it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "litellm.yaml"
        self._saved = 1_000_000_000
        self.save(GOOD)
        self._loop = asyncio.Runner()
        config = load_config(self.path)
        self.source = ConfiguredSource(config, open_store(config.state), follow=True)

    def save(self, text: str, name: str = "litellm.yaml") -> None:
        """With a time of its own, however quickly one follows another."""
        path = self.path.with_name(name)
        path.write_text(text, "utf-8")
        self._saved += 1
        os.utime(path, (self._saved, self._saved))

    def status(self) -> dict[str, Any]:
        return self._loop.run(self.source.astatus())

    def close(self) -> None:
        self._loop.close()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[File]:
    for name in ("GROQ_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    file = File(tmp_path)
    yield file
    file.close()


def names(status: dict[str, Any]) -> list[str]:
    return [each["name"] for each in status["providers"]]


def test_a_mistake_is_told_with_its_place_and_the_last_good_file_stays(file: File) -> None:
    assert file.status()["config"]["error"] is None
    file.save(BROKEN)
    status = file.status()
    assert "litellm.yaml:3:" in status["config"]["error"]
    assert "lots" in status["config"]["error"]
    assert names(status) == ["groq"]
    assert [each["name"] for each in status["providers"][0]["models"]] == ["openai/gpt-oss-120b"]
    assert file.status()["config"] == status["config"]


def test_a_file_that_is_mended_is_taken_up(file: File) -> None:
    file.save(BROKEN)
    assert file.status()["config"]["error"]
    file.save(MORE)
    status = file.status()
    assert status["config"]["error"] is None
    assert names(status) == ["groq", "gemini"]


def test_a_file_that_may_still_be_written_is_read_a_moment_later(file: File) -> None:
    file.path.write_text(BROKEN, "utf-8")
    now = time.time()
    os.utime(file.path, (now, now))
    assert file.status()["config"]["error"] is None
    os.utime(file.path, (now - 1, now - 1))
    assert file.status()["config"]["error"]


def test_a_file_that_is_gone_is_told(file: File) -> None:
    file.path.unlink()
    assert "litellm.yaml" in file.status()["config"]["error"]
    file.save(GOOD)
    assert file.status()["config"]["error"] is None


def test_another_store_wants_a_new_start_and_the_rest_of_the_edit_counts(file: File) -> None:
    file.save(
        GOOD.replace("memory://", "sqlite:///other.db")
        + "  other: {litellm_provider: openai, api_key: none, models: [x]}\n"
    )
    status = file.status()
    assert "litellm.yaml:1:" in status["config"]["error"]
    assert "Restart router-config serve" in status["config"]["error"]
    assert "other" in [each["name"] for each in status["providers"]]
    file.save(GOOD)
    assert file.status()["config"]["error"] is None


def test_a_key_in_env_file_is_taken_up(file: File) -> None:
    assert file.status()["providers"][0]["status"] == "unconfigured"
    file.save("GROQ_API_KEY=a-key-of-this-test\n", ".env")
    assert file.status()["providers"][0]["status"] == "available"


def test_a_mistake_holds_no_key(file: File) -> None:
    file.save(GOOD.replace("os.environ/GROQ_API_KEY", "[PLANTED0fake1no2real3key4of5a6test78, {bad: 1}]"))
    error = file.status()["config"]["error"]
    assert error
    assert "PLANTED" not in error


def test_serve_tells_an_edit_that_cannot_be_used(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "litellm.yaml"
    path.write_text(GOOD, "utf-8")
    command = start("-m", "router_config.cli", "serve", "--port", "0", GROQ_API_KEY="a-key-of-this-test")
    with command.client() as client:
        path.write_text(BROKEN + "# and more\n", "utf-8")
        status = until_error(client)
    command.end(signal.SIGINT)
    StatusDocument.model_validate(status)
    assert names(status) == ["groq"]


def until_error(client: httpx.Client) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get(STATUS).json()
        if status["config"]["error"] is not None:
            return status
    raise AssertionError("it was not told")
