"""The status page: static files of the package, with headers that let the page load nothing else."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final

from fastapi import APIRouter, Request, Response

KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What the page loads, by the end of the file's name. Other files beside them are not served."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.blake2b(self.content, digest_size=12).hexdigest()}"'

    def answer(self, request: Request) -> Response:
        headers = {**HEADERS, "ETag": self.etag}
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def add_page(router: APIRouter) -> None:
    """Serve the page at `/` of the router, and its files below: its relative addresses hold under any prefix."""
    folder = files(__package__.rpartition(".")[0]) / "static"
    page = _File((folder / "index.html").read_bytes(), "text/html; charset=utf-8")
    assets = dict(_files_of(folder))

    @router.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        return page.answer(request)

    @router.get("/dashboard/{name:path}", include_in_schema=False)
    async def asset(name: str, request: Request) -> Response:
        found = assets.get(name)
        return found.answer(request) if found else Response(status_code=404)


def _files_of(folder: Traversable, path: str = "") -> Iterator[tuple[str, _File]]:
    """The files that the page may load, by their path."""
    for each in folder.iterdir():
        name = path + each.name
        if each.is_dir():
            yield from _files_of(each, f"{name}/")
        elif kind := KINDS.get(PurePosixPath(name).suffix):
            yield name, _File(each.read_bytes(), kind)
