"""A Router that is, to whoever takes a litellm.Router, one of those.

From 1.109 on LiteLLM's Router is a facade over a Rust core that nothing can be derived from. So ours holds one: it
keeps the model list and answers for whatever is not ours. It routes nothing.
"""

import inspect
import logging
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import litellm
from litellm import router as litellm_router

from router_config.slices import pause
from router_config.transport.held.model_entries import Entry, Treatments

OURS: Final = {"order": "priority", "rpm": "rpm", "tpm": "tpm"}
"""What LiteLLM routes by, in `litellm_params`, and its name in `model_info`, where ours reads it."""

if TYPE_CHECKING:
    from litellm.router import Router as LiteLLMRouter
else:
    LiteLLMRouter = object


LITELLMS_OWN: Final[type] = litellm_router.Router


ASK_NOBODY: Final = frozenset({"aget_deployment", "aapply", "async_get_healthy_deployments"})
"""Coroutines of LiteLLM's Router that send nothing."""

UNHEEDED: Final = (
    "enable_tag_filtering", "enable_pre_call_checks", "optional_pre_call_checks", "retry_policy", "routing_groups",
    "model_group_retry_policy", "allowed_fails_policy", "allowed_fails", "cooldown_time",
    "default_max_parallel_requests", "provider_budget_config", "plugins",
)  # fmt: skip
"""Settings of litellm.Router's own choice of a deployment, which is not asked."""

UNHEEDED_OF_A_DEPLOYMENT: Final = (
    "weight", "max_parallel_requests", "cooldown_time", "tag_regex", "max_budget", "silent_model",
)  # fmt: skip
"""The same in `litellm_params`."""

NOBODY: Final = "router-config/nobody"
"""A model for LiteLLM's list that nobody has."""

_LOG: Final = logging.getLogger("router_config")
_LITELLMS_LOG: Final = logging.getLogger("LiteLLM")


class HoldsLiteLLMRouter(LiteLLMRouter):
    """Looks and behaves as the litellm.Router that it holds, but for what a subclass defines.

    Making one takes 2.5 ms a deployment (1.110.2). So a model list that `_take` brings is given to LiteLLM's Router
    when something first asks for it; until then it holds an older one.

    _settings: the keyword arguments that litellm.Router was made with. _set: those that were set since.
    """

    _changing: Any
    """A lock, held while the model list and what follows from it change; an RLock."""

    _settings: dict[str, Any]  # type: ignore[assignment]
    _set: dict[str, Any]
    _litellms: Any = None
    """LiteLLM's Router; None before there is one."""
    _due: tuple[list[Entry], Mapping[str, Any]] | None = None
    """The model list and the settings that it has still to take."""
    _listed: list[Entry] | None = None
    """The entries of the model list as LiteLLM keeps them; None where its Router is to be asked for them."""
    _treatments: Treatments

    def _hold(self, model_list: list[Entry]) -> None:
        """Make LiteLLM's Router of a model list. Its usage counting is taken out: the ledger counts."""
        self._treatments, self._set = Treatments(), {}
        _warn_of_unheeded(model_list, self._settings)
        self._litellms = _made(model_list, self._settings)
        self._model_list_changed()

    @staticmethod
    def _settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"num_retries": 0, "disable_cooldowns": True, **given}

    def _held(self) -> Any:
        """LiteLLM's Router, of the model list as it is now."""
        if self._due is not None:
            with self._changing:
                if self._due is not None:
                    model_list, settings = self._due
                    self._litellms = _made(model_list, {**settings, **self._set})
                    self._due = None
        return self._litellms

    def _model_list_changed(self) -> None:
        """Called after each change of the model list."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # isinstance(router, litellm.Router) holds, and isinstance(router, Router) too.
        return LITELLMS_OWN

    def __getattr__(self, name: str) -> Any:
        litellms = self.__dict__.get("_litellms")
        if litellms is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        is_setting = name in _setting_names() and name != "model_list"
        if is_setting and name in self._settings:
            return self._settings[name]
        value = getattr(litellms, name)
        if self._due is not None:
            value = getattr(self._held(), name)
        if is_setting:
            return self._settings.setdefault(name, value)
        if inspect.iscoroutinefunction(value) and name.startswith("a") and name not in ASK_NOBODY:
            _warn_once("router.%s is litellm.Router's own: its requests are not counted against limits", name)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """A setting of litellm.Router holds from the next request on."""
        if self.__dict__.get("_litellms") is None or name not in _setting_names():
            object.__setattr__(self, name, value)
        elif name == "model_list":
            self.set_model_list(value)
        else:
            with self._changing, warnings.catch_warnings():
                self._settings[name] = self._set[name] = value
                warnings.simplefilter("ignore", DeprecationWarning)  # LiteLLM 1.109 means its own callers.
                setattr(self._litellms, name, value)

    @staticmethod
    def get_valid_args() -> list[str]:
        """The names of the arguments that a Router takes."""
        return sorted(_setting_names())

    @property
    def entries(self) -> list[Entry]:
        """LiteLLM's model list as it is now, `moved`, each entry with its id; copies of its own kinds of mappings."""
        return [_copied(entry) for entry in self._entries()]

    def _entries(self) -> list[Entry]:
        with self._changing:
            if self._listed is None:
                self._listed = _entries_of(self._litellms)
            return self._listed

    # A model list that somebody else changes: the file's.

    def _kept_of(self, model_list: list[Entry], settings: Mapping[str, Any]) -> tuple[list[Entry], Any]:
        """The entries that LiteLLM keeps of a model list, and its Router of them where nothing less tells.

        Raises what LiteLLM raises of an entry or a setting.
        """
        _warn_of_unheeded(model_list, settings)
        strange = self._treatments.unknown(model_list)
        if strange or settings != self._settings:
            self._treatments.learn(strange, _entries_of(_made(strange, settings)))
        kept = self._treatments.done_to(model_list)
        if kept is not None:
            _register(kept, self._entries())
            return kept, None
        made = _made(model_list, settings)
        return _entries_of(made), made

    @staticmethod
    def _tell_prices(entries: Iterable[Entry], before: Iterable[Entry]) -> None:
        """Tell LiteLLM the prices of entries beside its model list."""
        _register(entries, before)

    def _take(self, model_list: list[Entry], kept: list[Entry], settings: dict[str, Any], made: Any) -> None:
        """Go by another model list from now on. made: LiteLLM's Router of it, if there is one."""
        self._settings, self._listed = settings, kept
        self._litellms, self._due = (self._litellms, (model_list, dict(settings))) if made is None else (made, None)

    # What changes the model list. Each takes what LiteLLM takes and returns what LiteLLM returns.

    def set_model_list(self, model_list: Sequence[Any]) -> Any:
        return self._change("set_model_list", [moved(entry) for entry in model_list])

    def add_deployment(self, deployment: Any) -> Any:
        return self._change("add_deployment", moved_deployment(deployment))

    def upsert_deployment(self, deployment: Any) -> Any:
        return self._change("upsert_deployment", moved_deployment(deployment))

    def delete_deployment(self, id: str) -> Any:
        return self._change("delete_deployment", id)

    def update_settings(self, **settings: Any) -> Any:
        self._heed(settings)
        return self._change("update_settings", **settings)

    def apply(self, changes: Any) -> Any:
        """LiteLLM's `ChangeSet` (1.109 and later)."""
        return self._change("apply", self._heeded(changes))

    async def aapply(self, changes: Any) -> Any:
        """The same, which can also ask providers what they serve."""
        changes, held = self._heeded(changes), None
        while held is not self._litellms:  # Else the file brought another model list meanwhile.
            held = self._held()
            try:
                with _callbacks_as_before():
                    made = await held.aapply(changes)
            finally:
                with self._changing:
                    if self._due is not None:
                        held = None
                    elif held is self._litellms:
                        self._listed = None
                        self._model_list_changed()
        return made

    def _heed(self, settings: Mapping[str, Any]) -> None:
        with self._changing:
            self._settings.update(settings)
            self._set.update((name, value) for name, value in settings.items() if name in _setting_names())

    def _heeded(self, changes: Any) -> Any:
        self._heed({**changes.assign, **changes.settings})
        return replace(changes, upsert=[moved_deployment(each) for each in changes.upsert])

    def _change(self, change: str, *args: Any, **kwargs: Any) -> Any:
        with self._changing:
            try:
                with _callbacks_as_before():
                    return getattr(self._held(), change)(*args, **kwargs)
            finally:
                self._listed = None
                self._model_list_changed()


def _made(model_list: Sequence[Entry], settings: Mapping[str, Any]) -> Any:
    """LiteLLM's Router of a model list."""
    _quieten()
    with _callbacks_as_before():
        return litellm_router.Router(model_list=[moved(entry) for entry in model_list], **settings)


def _entries_of(litellms: Any) -> list[Entry]:
    """The entries of LiteLLM's Router, `moved`."""
    registry = getattr(litellms, "registry", None)
    return [_copied(entry) for entry in (registry().all() if callable(registry) else litellms.model_list)]


def _copied(entry: Mapping[str, Any]) -> Entry:
    return {**entry, **{name: dict(each) for name, each in moved(entry).items() if isinstance(each, dict)}}


def _register(entries: Iterable[Entry], before: Iterable[Entry]) -> None:
    """Tell LiteLLM the models and prices that it has not been told, as its Router does: what it tells callbacks of the
    cost goes by them. Its function for that takes up to 1 ms for a new name, and keeps 6 kB (1.110.2): it gets none.
    """
    told = {entry["model_info"]["id"]: entry["model_info"] for entry in before}
    news = False
    for entry in entries:
        pause()
        info, model = entry["model_info"], entry["litellm_params"]["model"]
        prices, old = _prices(info), told.get(info["id"])
        if old is not None and (old is info or _prices(old) == prices):
            continue
        litellm.model_cost[info["id"]] = {"id": info["id"], **prices}
        if model not in litellm.model_cost and not _is_listed(model):
            litellm.model_cost[model] = {"key": model}
        news = True
    if news:
        with _callbacks_as_before():
            litellm.register_model({NOBODY: {"mode": "chat"}})  # So that it forgets what it looked up.


def _is_listed(model: str) -> bool:
    """Whether LiteLLM knows the model, under whatever name."""
    try:
        litellm.get_model_info(model)
    except Exception:  # LiteLLM has no class of its own for it in 1.84.
        return False
    return True


def _prices(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if "_cost" in name}


def _warn_of_unheeded(model_list: Sequence[Entry], settings: Mapping[str, Any]) -> None:
    unheeded = [name for name in UNHEEDED if settings.get(name)]
    params = [entry["litellm_params"] for entry in model_list]
    unheeded += [name for name in UNHEEDED_OF_A_DEPLOYMENT if any(each.get(name) is not None for each in params)]
    if unheeded:
        _LOG.warning("%s: no effect; this router chooses by priority, limits and cooldowns", ", ".join(unheeded))


def moved(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a model list's entry with what the router decides by moved out of `litellm_params`."""
    params, info = dict(entry["litellm_params"]), dict(entry.get("model_info") or {})
    for theirs, ours in OURS.items():
        value = params.pop(theirs, None)
        if value is not None:
            info.setdefault(ours, value)
    return {**entry, "litellm_params": params, "model_info": info}


def moved_deployment(deployment: Any) -> Any:
    """The same for LiteLLM's `Deployment`."""
    entry = deployment.model_dump(exclude_none=True)
    return type(deployment)(**moved(entry)) if OURS.keys() & entry["litellm_params"].keys() else deployment


def _quieten() -> None:
    """Switch off what LiteLLM shows, fetches or imports unasked (1.106.2). A setting that the user made stands."""
    if litellm.disable_hf_tokenizer_download is None:
        # Else it fetches a tokenizer to count a llama stream's prompt, 24 seconds where it cannot.
        litellm.disable_hf_tokenizer_download = True
    litellm.suppress_debug_info = True  # Else each failed attempt prints advice to stdout.
    # A call cancelled while LiteLLM still prepares it in a thread leaves its coroutine behind.
    warnings.filterwarnings(
        "ignore", r"coroutine '\w+\.a\w*(completion|embedding)\w*' was never awaited", RuntimeWarning
    )
    # pydantic 2.14 on a type of openai's that LiteLLM validates with.
    warnings.filterwarnings("ignore", "Item '.*' on TypedDict class", UserWarning)


@cache
def _warn_once(message: str, name: str) -> None:
    _LOG.warning(message, name)


@cache
def _setting_names() -> frozenset[str]:
    names = inspect.signature(litellm_router.Router.__init__).parameters
    return frozenset(name for name in names if name != "self" and not name.startswith("_"))


class _callbacks_as_before:
    """LiteLLM's Router registers its own usage counting with the process, a third of its time (1.106.2): undone.

    That a price of the file has no word on cached tokens is not said (1.92 to 1.99).
    """

    def __enter__(self) -> None:
        _LITELLMS_LOG.addFilter(_is_not_of_cache_prices)
        self._before = {name: list(each) for name, each in _callback_lists().items()}

    def __exit__(self, *_: object) -> None:
        _LITELLMS_LOG.removeFilter(_is_not_of_cache_prices)
        for name, each in _callback_lists().items():
            before = self._before.get(name, [])
            each[:] = [callback for callback in each if callback in before or not _is_of_a_router(callback)]


def _is_not_of_cache_prices(record: logging.LogRecord) -> bool:
    return not re.match(r"register_model: model=\S+ not in built-in cost map", record.getMessage())


def _callback_lists() -> dict[str, list[Any]]:
    names = (name for name in vars(litellm) if name.endswith("callback") or name == "callbacks")
    return {name: each for name in names if isinstance(each := getattr(litellm, name), list)}


def _is_of_a_router(callback: Any) -> bool:
    owner = getattr(callback, "__self__", callback)
    return str(type(owner).__module__).startswith("litellm.router") or isinstance(owner, litellm_router.Router)
