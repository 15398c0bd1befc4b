"""The HTTP client under LiteLLM: httpx's behaviour, where an LLM's API can tell."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from router_config.transport.plain_client import PlainClient


class _Site(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("location", "/here")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        answer = (self.headers.get("authorization") or "").encode() + body
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/here", "/moved"])
def test_hooks_hear_of_requests_and_answers_and_redirects_are_followed(site: str, path: str) -> None:
    heard: list[object] = []

    async def hear(what: object) -> None:
        heard.append(what)

    async def main() -> httpx.Response:
        hooks = {"request": [hear], "response": [hear]}
        async with PlainClient(event_hooks=hooks, follow_redirects=True) as client:
            return await client.post(site + path, content=b"hello")

    response = asyncio.run(main())
    assert response.text == "hello"
    assert response.url.path == "/here"
    assert isinstance(heard[0], httpx.Request)
    assert isinstance(heard[-1], httpx.Response)


def test_a_stream_comes_as_it_is_read_and_authentication_is_httpxs(site: str) -> None:
    async def main() -> bytes:
        async with (
            PlainClient() as client,
            client.stream("POST", site, content=b"!", auth=("a", "b")) as response,
        ):
            return b"".join([part async for part in response.aiter_bytes()])

    assert asyncio.run(main()) == b"Basic YTpi!"


def test_a_failure_names_its_request_and_a_closed_client_sends_nothing(site: str) -> None:
    async def main() -> None:
        client = PlainClient()
        with pytest.raises(httpx.ConnectError) as refused:
            await client.post("http://127.0.0.1:9/", content=b"")
        assert refused.value.request.url.port == 9
        await client.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await client.post(site, content=b"")

    asyncio.run(main())
