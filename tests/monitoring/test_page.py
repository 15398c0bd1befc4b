"""The page as it is served: complete, from nowhere else, under a strict policy."""

import hashlib
import re

import httpx
import pytest
from rig import MakeRouter
from rig_monitoring import ROOT, Api

STATIC = ROOT / "monitoring/static"
SVG = "http://www.w3.org/2000/svg"
"""The name of a kind of elements; nobody asks for it."""
PLAN = "dashboard/scripts/plan.js"
"""Loaded once there is a plan."""
OURS = sorted(str(each.relative_to(STATIC)) for kind in ("scripts", "styles") for each in (STATIC / kind).iterdir())


@pytest.fixture
def client(make_router: MakeRouter, api: Api) -> httpx.Client:
    return api(make_router())


def test_the_page_and_all_of_its_files_are_there(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    wanted = set(re.findall(r'(?:href|src)="(dashboard/[^"]+)"', page.text)) | {PLAN}
    kinds: dict[str, str] = {}
    while missing := wanted - set(kinds):
        for name in missing:
            answer = client.get(f"/{name}")
            kinds[name] = answer.headers["content-type"].partition(";")[0]
            wanted |= {f"dashboard/scripts/{each}" for each in imports(answer.text)}
    expected = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert kinds == {name: expected[name.rpartition(".")[2]] for name in wanted}
    assert {f"dashboard/{name}" for name in OURS} <= wanted


def imports(script: str) -> list[str]:
    return re.findall(r'^import .* from "\./([a-z_]+\.js)";$', script, re.MULTILINE)


def test_nothing_comes_from_another_host_and_every_address_is_relative(client: httpx.Client) -> None:
    for name in ("", *(f"dashboard/{each}" for each in OURS)):
        text = client.get(f"/{name}").text.replace(SVG, "")
        assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
        assert not re.findall(r"""(?:href|src)="/|(?:ask|post|address|fetch)\(["'`]/|url\(""", text)


def test_the_policy_forbids_inline_code_and_the_page_has_none(client: httpx.Client) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=", page.text)
    for name in OURS:
        assert not re.findall("innerHTML|outerHTML|insertAdjacentHTML|eval", client.get(f"/dashboard/{name}").text)


def test_an_unchanged_file_is_not_sent_again(client: httpx.Client) -> None:
    tag = client.get("/dashboard/scripts/page.js").headers["etag"]
    assert client.get("/dashboard/scripts/page.js", headers={"If-None-Match": tag}).status_code == 304


def test_the_charts_are_drawn_by_the_files_that_their_authors_published() -> None:
    folder = STATIC / "vendor/uplot"
    told = re.findall(r"^    ([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(told) == 2
    for digest, name in told:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "The MIT License" in (folder / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2fapi.py", "index.html", "vendor/uplot/README.md", "scripts", "scripts/"]
)
def test_other_files_are_not_served(client: httpx.Client, name: str) -> None:
    assert client.get(f"/dashboard/{name}").status_code == 404
