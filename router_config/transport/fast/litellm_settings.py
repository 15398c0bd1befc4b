"""LiteLLM's module settings: which of them differ from LiteLLM's own defaults.

The defaults are read from the text of litellm/__init__.py, so that a setting which a newer LiteLLM adds is one as well,
and nothing is missed that was set before this package was imported.
"""

import ast
from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import litellm

from router_config.transport import seams
from router_config.transport.callbacks import RELAY

SHAPE_THE_REQUEST: Final = frozenset(
    {
        "add_function_to_prompt", "api_base", "api_version", "drop_params", "headers", "modify_params", "organization",
        "project", "proxy_auth", "request_timeout", "vertex_location", "vertex_project", "vertex_ai_safety_settings",
    }
)  # fmt: skip
"""Settings that decide what a request becomes, and nothing else; so do those whose name ends in `_key`."""

NO_MATTER: Final = frozenset(
    {
        "suppress_debug_info", "disable_hf_tokenizer_download", "ssl_verify", "ssl_certificate", "ssl_security_level",
        "ssl_ecdh_curve", "aiohttp_trust_env", "disable_aiohttp_trust_env", "use_aiohttp_transport",
        "disable_aiohttp_transport", "force_ipv4", "http2", "turn_off_message_logging", "disable_token_counter",
        "error_logs", "_current_cost", "_async_client_cleanup_registered", "telemetry",
    }
)  # fmt: skip
"""Settings of the connection, which LiteLLM's client heeds when it is made, of what is printed, and its own counts."""


SCALARS: Final = (bool, int, float, str, type(None))


class Settings:
    """A cheap look at all settings at once, for every request."""

    def __init__(self) -> None:
        values = vars(litellm)
        defaults = {
            name: default
            for name, default in defaults_in_source().items()
            if name in values and not isinstance(values[name], ModuleType) and not name.endswith("_models")
        }
        self.readable = bool(defaults)
        shaping = [name for name in defaults if name in SHAPE_THE_REQUEST or name.endswith("_key")]
        lists = [name for name, default in defaults.items() if isinstance(default, list)]
        self._callbacks = tuple(name for name in lists if "callback" in name)
        watched = [name for name in defaults if name not in {*shaping, *NO_MATTER, *self._callbacks}]
        scalars = [name for name in watched if not isinstance(defaults[name], list | dict | set)]
        empty = [name for name in watched if name not in scalars and not defaults[name]]
        self._scalars, self._defaults = _getter(scalars), tuple(defaults[name] for name in scalars)
        self._empty, self._shaping = _getter(empty), _getter(shaping)

    def seen(self) -> tuple[bool, tuple[Any, ...]] | None:
        """Whether anybody registered a callback, and the values of the settings that decide what a request becomes.

        None where a setting that LiteLLM's own functions serve is not at its default; callbacks apart.
        """
        values = vars(litellm)
        if not self.readable or self._scalars(values) != self._defaults or any(self._empty(values)):
            return None
        lists = [values[name] for name in self._callbacks if values[name]]
        listened = any(each != "cache" and each is not RELAY for callbacks in lists for each in callbacks)
        return listened, self._shaping(values)


def _getter(names: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) < 2:
        return lambda values: tuple(values[name] for name in names)
    return itemgetter(*names)


@cache
def defaults_in_source() -> dict[str, Any]:
    """LiteLLM's settings by name, with the defaults that its source gives them. Empty where it cannot be read.

    A setting whose default is computed has the value that it had when it was first looked at.
    """
    try:
        tree = ast.parse(Path(litellm.__file__).read_text("utf-8"))
    except (OSError, SyntaxError, ValueError, TypeError) as error:
        seams.note("settings of the litellm module", f"their defaults cannot be read: {error}")
        return {}
    found: dict[str, Any] = {}
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if value is None or not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        try:
            default = ast.literal_eval(value)
        except ValueError:
            computed = {name: getattr(litellm, name, ...) for name in names if not name.startswith("_")}
            found.update((name, each) for name, each in computed.items() if isinstance(each, SCALARS))
        else:
            found.update((name, default) for name in names)
    seams.note("settings of the litellm module", None if found else "none was found in its source")
    return found
