"""The page as it is served: complete, from nowhere else, under a strict policy."""

import re

import httpx
import pytest
from rig import MakeRouter
from rig_monitoring import Api


@pytest.fixture
def client(make_router: MakeRouter, api: Api) -> httpx.Client:
    return api(make_router())


def test_the_page_and_all_of_its_files_are_there(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    files = re.findall(r'(?:href|src)="(dashboard/[^"]+)"', page.text)
    kinds = {name: client.get(f"/{name}").headers["content-type"] for name in files}
    assert kinds == {
        "dashboard/icon.svg": "image/svg+xml",
        "dashboard/page.css": "text/css; charset=utf-8",
        "dashboard/page.js": "text/javascript; charset=utf-8",
    }


def test_nothing_comes_from_another_host_and_every_address_is_relative(client: httpx.Client) -> None:
    for name in ("", "dashboard/page.css", "dashboard/page.js"):
        text = client.get(f"/{name}").text
        assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
        assert not re.findall(r"""(?:href|src)="/|(?:ask|fetch)\(["'`]/|url\(""", text)


def test_the_policy_forbids_inline_code_and_the_page_has_none(client: httpx.Client) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=", page.text)
    assert "innerHTML" not in client.get("/dashboard/page.js").text


def test_an_unchanged_file_is_not_sent_again(client: httpx.Client) -> None:
    tag = client.get("/dashboard/page.js").headers["etag"]
    assert client.get("/dashboard/page.js", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("name", ["nothing.js", "..%2fapi.py", "index.html"])
def test_other_files_are_not_served(client: httpx.Client, name: str) -> None:
    assert client.get(f"/dashboard/{name}").status_code == 404
