"""`router-config diff`: beside a process that serves, and between two files."""

import http.server
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig_cli import GOOD, run_router_config
from rig_monitoring import PATIENCE, Start

EDITED = GOOD.replace("rpm: 30", "rpm: 60").replace("aliases: {gpt-4o: fast}", "defaults: {timeout: 5s, reload: off}")
CHANGES = [
    "groq rpm 30 -> 60",
    "defaults timeout 30 -> 5",
    "defaults reload True -> False",
    "alias gpt-4o: fast -> none",
]
OFF = f"defaults: {{reload: off}}{GOOD}"


def test_a_running_process_says_what_it_would_change_and_why_a_broken_file_cannot_be_used(
    start: Start, folder: Path
) -> None:
    path = folder / "litellm.yaml"
    path.write_text(OFF)
    command = start(
        "-m", "router_config.cli", "serve", "--port", "0", ROUTER_STATUS_TOKEN="open-sesame", GROQ_API_KEY="k"
    )
    with command.client() as client:
        told = ["diff", "--url", str(client.base_url)]
        same = run_router_config(folder, *told, ROUTER_STATUS_TOKEN="open-sesame")
        assert (same.returncode, same.stdout) == (0, "")
        assert "Nothing would change" in same.stderr
        path.write_text(OFF.replace("rpm: 30", "rpm: 60").replace("state/counts", "another"))
        changed = run_router_config(folder, *told, ROUTER_STATUS_TOKEN="open-sesame")
        assert changed.returncode == 1
        assert changed.stdout.splitlines()[0] == "groq rpm 30 -> 60"
        assert "litellm.yaml:2:8: " in changed.stdout.splitlines()[1]
        assert "SIGHUP" in changed.stderr
        plain = json.loads(run_router_config(folder, *told, "--json", ROUTER_STATUS_TOKEN="open-sesame").stdout)
        assert (plain["changes"], plain["path"], plain["follows"]) == (["groq rpm 30 -> 60"], str(path), False)
        command.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while run_router_config(folder, *told, ROUTER_STATUS_TOKEN="open-sesame").stdout.startswith("groq"):
            assert time.monotonic() < deadline
        path.write_text(OFF.replace("rpm: 30", "rpm: lots"))
        broken = run_router_config(folder, *told, ROUTER_STATUS_TOKEN="open-sesame")
        assert (broken.returncode, broken.stdout) == (2, "")
        assert "litellm.yaml:7:" in broken.stderr
        shown = client.get("/api/llm-providers/groq", headers={"Authorization": "Bearer open-sesame"}).json()
        assert shown["limits"]["rpm"]["limit"] == 60
        locked = run_router_config(folder, *told)
        assert locked.returncode == 2
        assert "ROUTER_STATUS_TOKEN" in locked.stderr
        assert "open-sesame" not in locked.stderr
    command.end(signal.SIGTERM)


def test_two_files_are_compared_without_a_server(folder: Path) -> None:
    (folder / "other.yaml").write_text(EDITED)
    done = run_router_config(folder, "diff", "other.yaml")
    assert (done.returncode, done.stdout.splitlines()) == (1, CHANGES)
    assert json.loads(run_router_config(folder, "diff", "other.yaml", "--json").stdout)["changes"] == CHANGES
    assert run_router_config(folder, "diff", "litellm.yaml").returncode == 0
    (folder / "other.yaml").write_text(GOOD.replace("rpm: 30", "rpm: lots"))
    broken = run_router_config(folder, "diff", "other.yaml")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert broken.stderr.startswith("other.yaml:7:")


class Answers(http.server.BaseHTTPRequestHandler):
    """Another server, which would send the token on."""

    paths: list[str]

    def do_GET(self) -> None:
        code = int(self.path.split("/")[1])
        self.send_response(code)
        self.send_header("Location", f"{self.path}/elsewhere")
        self.end_headers()
        self.wfile.write(b"<html>" if code == 200 else b"{}")
        Answers.paths.append(self.path)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "litellm.yaml").write_text(GOOD)
    return tmp_path


@pytest.fixture
def stranger() -> Iterator[str]:
    Answers.paths = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_who_is_no_status_page_is_named_with_what_to_do(folder: Path, stranger: str) -> None:
    urls = [f"{stranger}/{code}" for code in (200, 302, 404, 500)]
    urls += ["http://127.0.0.1:1", "127.0.0.1:8888", "file:///etc/passwd", "http://me:secret@127.0.0.1:1"]
    for url in urls:
        done = run_router_config(folder, "diff", "--url", url, ROUTER_STATUS_TOKEN="open-sesame")
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "--url" in done.stderr
        assert len(done.stderr.splitlines()) == 2
        assert "Traceback" not in done.stderr
        assert "secret" not in done.stderr
        assert "open-sesame" not in done.stderr
    assert not any("elsewhere" in path for path in Answers.paths)
