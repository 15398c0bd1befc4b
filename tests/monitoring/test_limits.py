"""What one caller can cost the status server: time, memory, descriptors."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rig import MakeRouter
from rig_monitoring import PATIENCE, STATUS, Serve, Start

from monitoring import router_for, server
from monitoring.http.address import listen
from monitoring.http.guard import app_for
from monitoring.http.limits import LONGEST_BODY

YAML = "providers: {groq: {models: [openai/gpt-oss-120b]}}"
TOKEN = "schlüssel-パス"


@pytest.fixture
def app(make_router: MakeRouter) -> object:
    return app_for([router_for(make_router())], host="0.0.0.0", token=TOKEN, insecure=False)


@pytest.fixture
def client(app: object, serve: Serve) -> httpx.Client:
    return serve(app)  # type: ignore[arg-type]


@pytest.fixture
def address(app: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Of our own server, which is impatient."""
    monkeypatch.setattr(server, "WHOLE_REQUEST", 0.3)
    bound, running = listen("127.0.0.1", 0), threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        ends.append((asyncio.get_running_loop(), asyncio.Event()))
        running.set()
        await server.serve(app, bound, ends[0][1])  # type: ignore[arg-type]

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert running.wait(PATIENCE)
    yield bound.getsockname()
    loop, ending = ends[0]
    loop.call_soon_threadsafe(ending.set)
    thread.join()


@pytest.mark.parametrize(
    "path", ["/", STATUS, f"{STATUS}/events", "/metrics", "/healthz", "/dashboard/scripts/page.js"]
)
def test_head_is_get_without_the_body(client: httpx.Client, path: str) -> None:
    answer = client.head(path, auth=("any", TOKEN))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"]


def test_head_needs_the_token_too(client: httpx.Client) -> None:
    assert client.head(STATUS).status_code == 401


@pytest.mark.parametrize("header", [b"Bearer " + TOKEN.encode(), "Bearer n\xf6".encode("latin-1"), b"Basic \xff\xfe"])
def test_a_token_is_any_text(client: httpx.Client, header: bytes) -> None:
    answer = client.get(STATUS, headers=[(b"authorization", header)])
    assert answer.status_code == (200 if TOKEN.encode() in header else 401)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_a_long_body_is_refused_unread(client: httpx.Client, chunked: bool, known: bool) -> None:
    body = b" " * (LONGEST_BODY + 1)
    asked = client.post(
        f"{STATUS}/explain", content=iter([body]) if chunked else body, auth=("any", TOKEN if known else "wrong")
    )
    assert asked.status_code == (413 if known or not chunked else 401)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: lo",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nslow",
    ],
)
def test_a_connection_that_asks_nothing_more_is_closed(address: tuple[str, int], begun: bytes) -> None:
    with socket.create_connection(address, PATIENCE) as connection:
        connection.sendall(begun)
        received = b""
        while part := connection.recv(65_536):
            received += part
    assert received.startswith(b"HTTP/1.1 200" if b"healthz" in begun else b"HTTP/1.1 4" if b"POST" in begun else b"")


def test_where_no_descriptor_is_left_it_says_so_once_and_goes_on(start: Start, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text(YAML, "utf-8")
    command = start(
        "-c",
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40));"
        "from monitoring import server; server._connections = lambda: 1000;"
        "from router_config import cli; sys.exit(cli.main(['serve', '--port', '0']))",
    )
    with command.client() as client, contextlib.ExitStack() as opened:
        place = (client.base_url.host, client.base_url.port or 0)
        for _ in range(60):
            opened.enter_context(socket.create_connection(place, PATIENCE))
        command.wait_for("no file descriptor left")
        opened.close()
        assert client.get("/healthz").status_code == 200
    said = len(command.lines)
    assert said < 10, command.output
