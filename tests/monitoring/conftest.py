"""Apps and commands on real loopback HTTP."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from rig_monitoring import PATIENCE, ROOT, Api, Command, Serve, Start
from rig_wall_clock import child_variables
from starlette.types import ASGIApp

import monitoring
from monitoring.http.address import listen
from router_config import Router


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves an app in a thread, as an existing application would; gives a client of it."""
    endings: list[Callable[[], None]] = []

    def start(app: ASGIApp) -> httpx.Client:
        bound = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
        thread.start()
        client = httpx.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", timeout=PATIENCE)

        def end() -> None:
            client.close()
            server.should_exit = True
            thread.join()

        endings.append(end)
        return client

    yield start
    for end in endings:
        end()


@pytest.fixture
def api(serve: Serve) -> Api:
    """An app that includes the routes over a Router, and reads it anew for each who asks."""

    def start(router: Router) -> httpx.Client:
        app = FastAPI()
        app.include_router(monitoring.router_for(router, reading_lasts=0.0))
        return serve(app)

    return start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `python ...` in an empty folder, with no key in the environment."""
    started: list[Command] = []

    def run(*arguments: str, **variables: str) -> Command:
        inherited = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_TOKEN"))}
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**inherited, **child_variables(ROOT), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(Command(process))
        return started[-1]

    yield run
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
            command.code()
