"""A simulator in a process of its own, controlled over HTTP."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from router_config.simulator import Call
from router_config.simulator.simulator import env_at

REMEMBERED = 20_000
_BASES = {
    "groq": "GROQ_API_BASE",
    "gemini": "GEMINI_API_BASE",
    "openrouter": "OPENROUTER_API_BASE",
    "together": "TOGETHER_AI_API_BASE",
    "openai": "OPENAI_BASE_URL",
}


class Upstream:
    """Five simulated providers that refuse what would exceed a limit in any rolling minute or day.

    own_ports: each has a port of its own, which `refused` really closes.
    """

    def __init__(
        self,
        limits: Mapping[str, Mapping[str, int]],
        directory: Path,
        latency_ms: str = "50-800",
        *,
        own_ports: bool = False,
    ) -> None:
        path = directory / "limits.json"
        path.write_text(json.dumps({name: {**each, "strict_rolling": True} for name, each in limits.items()}), "utf-8")
        command = ["router_config.simulator", "--port", "0", "--limits", str(path), "--latency", latency_ms]
        command += ["--own-ports"] if own_ports else []
        self._process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True)

    @cached_property
    def url(self) -> str:
        """Its address, as soon as it listens."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()[3]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()

    @cached_property
    def bases(self) -> dict[str, str]:
        """LiteLLM's api_base of each provider."""
        variables = env_at(self.url)  # Its names are those of the lines that follow the address.
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline().strip() for _ in variables]
        variables = dict(line.split("=", 1) for line in lines)
        return {name: variables[variable] for name, variable in _BASES.items()}

    def reset(self, ahead: float) -> None:
        """Begin anew, with a clock so many seconds ahead of the machine's."""
        self._control("clock", {"advance": ahead})
        self._control("reset", {})

    def keep_bodies(self) -> None:
        """Have `calls` hold the JSON of each request."""
        self._control("options", {"keep_bodies": True})

    def fault(self, provider: str, what: Mapping[str, Any]) -> int:
        """Script a fault at a provider (`*`: at all). Returns its number."""
        return int(self._control("faults", {**what, "provider": provider})["id"])

    def clear(self, number: int) -> None:
        """End the fault of this number."""
        self._control(f"faults?id={number}", method="DELETE")

    def summary(self) -> dict[str, Any]:
        return dict(self._control("summary"))

    def calls(self) -> list[Call]:
        """Every request that arrived, in order. Raises RuntimeError when there were more than it remembers."""
        found = self._control(f"requests?last={REMEMBERED}")
        if found["count"] > len(found["requests"]):
            raise RuntimeError(
                f"the simulator remembers {REMEMBERED} of {found['count']} requests: ask for a shorter load"
            )
        names = {field.name for field in fields(Call)}
        return [Call(**{name: value for name, value in call.items() if name in names}) for call in found["requests"]]

    def _control(self, what: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{what}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
