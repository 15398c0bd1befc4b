"""Simulator: the five providers on real loopback HTTP, in a thread of their own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

from router_config.simulator.clock import SimulatorClock
from router_config.simulator.dialects import API_BASES
from router_config.simulator.faults import make_fault
from router_config.simulator.http.app import create_app
from router_config.simulator.http.server import HOST, Server, bind
from router_config.simulator.lists.listed_models import read_listed
from router_config.simulator.options import Options, change_options, listing_name
from router_config.simulator.quotas.calendars import MINUTE
from router_config.simulator.quotas.limits import PROVIDERS, REFERENCE, provider_name
from router_config.simulator.quotas.peaks import Peak
from router_config.simulator.quotas.plain_limits import read_limits
from router_config.simulator.records import Call
from router_config.simulator.state import SimulatorState

_T = TypeVar("_T")

_VARIABLES = {
    "groq": ("GROQ_API_KEY", "GROQ_API_BASE"),
    "gemini": ("GEMINI_API_KEY", "GEMINI_API_BASE"),
    "openrouter": ("OPENROUTER_API_KEY", "OPENROUTER_API_BASE"),
    "together": ("TOGETHERAI_API_KEY", "TOGETHER_AI_API_BASE"),
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
}


def env_at(url: str) -> dict[str, str]:
    """Environment variables that aim LiteLLM at a simulator at `url`."""
    return _variables(lambda name: url + API_BASES[name])


def _variables(api_base: Callable[[str], str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name, (key, base) in _VARIABLES.items():
        variables |= {key: f"simulated-{name}-key", base: api_base(name)}
    return variables


class Simulator:
    """Five LLM providers that enforce real quotas, to test agents and routers against.

    Each provider answers in its own wire format and refuses what its quotas do not allow, by its own
    window rules: continuous refill, clock minutes, midnight in California. Use it in your own tests:

        @pytest.fixture
        def simulator():
            with Simulator(limits={"groq": {"rpm": 2}}) as simulator:
                yield simulator

        def test_my_agent_survives_a_rate_limit(simulator, monkeypatch):
            for name, value in simulator.env().items():
                monkeypatch.setenv(name, value)
            simulator.fault("gemini", status=503, times=1)
            assert my_agent.ask("Buy or sell?")
            assert simulator.summary()["groq"]["rate_limited"] == 0

    limits: per provider what `read_limits` understands, or ProviderLimits; a provider left out has none.
        Default: the reference limits.
    clock: a function that gives the present in seconds since 1970. Default: the machine's time.
    freeze: the clock moves by `set_time` and `advance` alone.
    sleep: how the seconds of `latency_ms` pass, for a clock that is moved. Default: in real time.
    port: of all providers together and of the controls; 0 takes a free one.
    own_ports: each provider listens on a free port of its own, too, which `refused` really closes.
    remember: how many requests are remembered in full; counts are always exact.
    options: fields of Options, such as `latency_ms=(50, 800)`, `answer="Hold."`, `any_model=False`.

    Raises OSError when the port is in use, LimitsError and OptionsError for what cannot be understood.
    """

    def __init__(
        self,
        limits: Mapping[str, Any] = REFERENCE,
        *,
        clock: Callable[[], float] | None = None,
        freeze: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        port: int = 0,
        own_ports: bool = True,
        seed: int = 0,
        remember: int = 20_000,
        **options: Any,
    ) -> None:
        self._clock = SimulatorClock(clock, freeze=freeze, sleep=sleep)
        self._state = SimulatorState(
            read_limits(limits), self._clock, change_options(Options(), options), seed=seed, remember=remember
        )
        self._wanted_port = port
        self._own_ports = own_ports
        self._ports: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: Server | None = None
        self._stopping: asyncio.Event | None = None

    # running

    def start(self) -> Self:
        """Serve until `stop`. All ports are open when this returns."""
        if self._thread is not None:
            raise RuntimeError("this simulator is running already")
        sockets = {"": bind(self._wanted_port)}
        if self._own_ports:
            sockets |= {name: bind(0) for name in PROVIDERS}
        self._ports = {name: bound.getsockname()[1] for name, bound in sockets.items()}
        ready = threading.Event()
        failure: list[BaseException] = []

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._stopping = asyncio.Event()
            self._server = Server(create_app(self._state, self._sync_ports))
            await self._server.listen(sockets.values())
            await self._sync_ports()
            ready.set()
            await self._stopping.wait()
            await self._server.stop()

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:
                failure.append(error)
            finally:
                ready.set()

        self._thread = threading.Thread(target=run, name="simulator", daemon=True)
        self._thread.start()
        ready.wait()
        if failure:
            self._thread = None
            raise failure[0]
        return self

    def stop(self) -> None:
        """Close all ports; requests still being answered are broken off. Records stay readable."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = self._loop = self._stopping = self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # addresses

    @property
    def url(self) -> str:
        """Address of the common port: `/` is a help, `/groq`, `/gemini` ... the providers."""
        return self._address("")

    @property
    def control_url(self) -> str:
        """Address below which the controls are: `{control_url}/summary`."""
        return f"{self.url}/_control"

    def api_base(self, provider: str) -> str:
        """What LiteLLM takes as `api_base` for this provider: on its own port when there is one."""
        name = provider_name(provider)
        return self._address(name if name in self._ports else "") + API_BASES[name]

    def env(self) -> dict[str, str]:
        """Environment variables that aim LiteLLM at the simulator: a key and a base for each provider."""
        return _variables(self.api_base)

    def _address(self, name: str) -> str:
        if not self._ports:
            raise RuntimeError("this simulator has not been started")
        return f"http://{HOST}:{self._ports[name]}"

    # faults

    def fault(self, provider: str = "*", **what: Any) -> int:
        """Script a fault; the names are those of Fault, such as `status=500, times=3`. Returns its number.

        Raises FaultError.
        """
        fault = make_fault(provider, **what)
        number = self._call(lambda: self._state.faults.add(fault))
        self._call_async(self._sync_ports)
        return number

    def clear(self, provider: str | None = None, *, number: int | None = None) -> int:
        """End the fault of this number, all of a provider (`*`: those for every provider), or all."""
        name = provider if provider in (None, "*") else provider_name(str(provider))
        cleared = self._call(lambda: self._state.clear_faults(name, number))
        self._call_async(self._sync_ports)
        return cleared

    def set_keys(self, provider: str, *, bad: Iterable[str] | None = None, good: Iterable[str] | None = None) -> None:
        """Refuse the `bad` keys (or labels of keys); accept the `good` ones only."""
        name = provider_name(provider)
        if bad is not None:
            refused = list(bad)
            self._call(lambda: self._state.keys.set_bad(name, refused))
        if good is not None:
            accepted = list(good)
            self._call(lambda: self._state.keys.set_good(name, accepted))

    # limits, options, time

    def set_limits(self, limits: Mapping[str, Any]) -> None:
        """Put new limits in force for the providers named; their quotas start unused."""
        new = read_limits(limits)
        self._call(lambda: self._state.set_limits(new))

    def set_options(self, **options: Any) -> None:
        """Change fields of Options."""

        def change() -> None:
            self._state.options = change_options(self._state.options, options)

        self._call(change)

    def change_models(self, provider: str, *, add: Any = (), retire: Iterable[str] = ()) -> None:
        """Have a provider serve and list models from now on, and others no more.

            simulator.change_models("groq", add={"new": {"context": 8192}}, retire=["old"])

        provider: one of the five, or a service that has nothing but a list (SERVICES). add: names, or facts by name.

        Raises ListedError.
        """
        added, retired = read_listed(add), list(retire)
        self._call(lambda: self._state.change_models(listing_name(provider), added, retired))

    def now(self) -> float:
        """The simulator's present, seconds since 1970."""
        return self._clock.now()

    def set_time(self, epoch: float) -> None:
        """Make `epoch` (seconds since 1970) the present."""
        self._call(lambda: self._clock.set(epoch))

    def advance(self, seconds: float) -> None:
        """Move the present by `seconds`."""
        self._call(lambda: self._clock.advance(seconds))

    def reset(self) -> None:
        """Begin again with the first limits and options: no faults, nothing used, nothing recorded. Time goes on."""
        self._call(self._state.reset)
        self._call_async(self._sync_ports)

    # what happened

    def calls(self, provider: str | None = None, since: float | None = None) -> list[Call]:
        """Requests remembered, oldest first; `since`: those that arrived at or after this time (epoch)."""
        name = None if provider is None else provider_name(provider)
        return self._call(lambda: self._state.records.calls(name, since))

    def count(self, provider: str | None = None) -> int:
        """How many requests arrived since the start or the last reset."""
        name = None if provider is None else provider_name(provider)
        return self._call(lambda: self._state.records.count(name))

    def summary(self) -> dict[str, Any]:
        """Per provider: exact totals, the busiest rolling minute, the windows as they stand."""
        return self._call(self._state.summary)

    def worst_rolling_minute(self, provider: str) -> Peak:
        """The busiest 60 s of admitted requests, against the limits per minute."""
        name = provider_name(provider)
        return self._call(lambda: self._state.worst(name, MINUTE))

    # the loop's thread

    def _call(self, function: Callable[[], _T]) -> _T:
        """Run `function` in the event loop's thread."""
        loop = self._loop
        if loop is None or self._thread is threading.current_thread():
            return function()

        async def call() -> _T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), loop).result()

    def _call_async(self, function: Callable[[], Any]) -> None:
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(function(), self._loop).result()

    async def _sync_ports(self) -> None:
        """Close the ports of the providers that refuse connections, open the others."""
        if self._server is None:
            return
        refusing = self._state.faults.refusing()
        for name, port in self._ports.items():
            if name in refusing:
                await self._server.close_port(port)
            else:
                await self._server.open_port(port)
