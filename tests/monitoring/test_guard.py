"""Who may see the page: this machine, or whoever has the token."""

import base64
import socket
from collections.abc import Callable

import httpx
import pytest
from rig import MakeRouter
from rig_monitoring import STATUS, Serve

from monitoring import router_for
from monitoring.http.address import is_loopback, token_for
from monitoring.http.guard import app_for
from router_config import ConfigError

TOKEN = "the-token-of-this-test"
OTHERS = (f"{STATUS}/events", f"{STATUS}/history", f"{STATUS}/decisions", "/metrics")
Guarded = Callable[..., httpx.Client]


@pytest.fixture
def guarded(make_router: MakeRouter, serve: Serve) -> Guarded:
    def start(*, host: str = "127.0.0.1", token: str | None = None, insecure: bool = False) -> httpx.Client:
        return serve(app_for([router_for(make_router())], host=host, token=token, insecure=insecure))

    return start


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.0.0.1:8888", "[::1]:8888", "LOCALHOST:1", "a.localhost"]
)
def test_this_machine_is_served_under_its_own_names(guarded: Guarded, host: str) -> None:
    assert guarded().get(STATUS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8888", "127.0.0.1.example", "10.0.0.7", ""])
@pytest.mark.parametrize("path", ["/", STATUS, *OTHERS, "/dashboard/scripts/page.js", "/openapi.json"])
def test_a_name_that_was_made_to_point_here_is_refused(guarded: Guarded, host: str, path: str) -> None:
    answer = guarded().get(path, headers={"Host": host})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_guards_everything_but_the_health_check(guarded: Guarded) -> None:
    client = guarded(host="0.0.0.0", token=TOKEN)
    for path in ("/", STATUS, f"{STATUS}/groq", *OTHERS, "/dashboard/scripts/page.js", "/openapi.json", "/nothing"):
        refused = client.get(path)
        assert refused.status_code == 401
        assert [each.split()[0] for each in refused.headers.get_list("www-authenticate")] == ["Bearer", "Basic"]
        assert TOKEN not in refused.text
    assert client.post(f"{STATUS}/explain", json={}).status_code == 401
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_opens_as_bearer(guarded: Guarded, scheme: str) -> None:
    client = guarded(host="0.0.0.0", token=TOKEN)
    headers = {"Authorization": f"{scheme} {TOKEN}", "Host": "status.example"}
    assert client.get(STATUS, headers=headers).status_code == 200


def test_a_browser_brings_the_token_as_a_password(guarded: Guarded) -> None:
    client = guarded(host="0.0.0.0", token=TOKEN)
    assert client.get("/", auth=("anybody", TOKEN)).status_code == 200
    assert client.get("/", auth=(TOKEN, "anything")).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Token {TOKEN}",
        "Basic !",
        "Basic w6n=",
        TOKEN,
    ],
)
def test_anything_else_stays_out(guarded: Guarded, authorization: str) -> None:
    client = guarded(host="0.0.0.0", token=TOKEN)
    assert client.get(STATUS, headers={"Authorization": authorization}).status_code == 401


def test_a_token_with_other_letters_than_ascii_opens(guarded: Guarded) -> None:
    client = guarded(token="schlüssel")
    value = base64.b64encode("x:schlüssel".encode()).decode()
    assert client.get(STATUS, headers={"Authorization": f"Basic {value}"}).status_code == 200


def test_an_open_address_wants_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROUTER_STATUS_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="ROUTER_STATUS_TOKEN"):
        token_for("0.0.0.0", insecure=False)
    assert token_for("0.0.0.0", insecure=True) is None
    assert token_for("127.0.0.1", insecure=False) is None
    monkeypatch.setenv("ROUTER_STATUS_TOKEN", " ")
    with pytest.raises(ConfigError):
        token_for("::", insecure=False)
    monkeypatch.setenv("ROUTER_STATUS_TOKEN", TOKEN)
    assert token_for("0.0.0.0", insecure=False) == TOKEN


@pytest.mark.parametrize(
    "path", ["/healthz", "/%68ealthz", "//healthz", "/healthz/", "/healthz/../metrics", "/x/healthz"]
)
def test_no_other_path_passes_for_the_health_check(guarded: Guarded, path: str) -> None:
    """As written in the request, past what a client tidies up."""
    client = guarded(host="0.0.0.0", token=TOKEN)
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 200") == answer.endswith('{"status":"ok"}')
    assert "llm_router" not in answer


@pytest.mark.parametrize(("host", "own"), [("::1", True), ("127.8.8.8", True), ("0.0.0.0", False), ("host", False)])
def test_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own
