"""One provider of litellm.yaml: its preset applied, its keys found, its models checked."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from router_config.config.addresses import is_local
from router_config.config.credentials import Environment, is_sendable, misspelt_variable, variable_of
from router_config.config.file_format import FileProvider
from router_config.config.grammar.rules import nearest
from router_config.config.grammar.yaml_source import Source, Where
from router_config.config.installed_litellm import provider_names
from router_config.config.models import Day, Defaults, Key, Model, Pace, Provider, Secret
from router_config.config.sections.limits import FileDay
from router_config.presets.lookup import preset_of
from router_config.presets.preset import Preset
from router_config.presets.retirements import retirement_warning

_PRIORITY, _PRIORITY_PAID = 1, 100
_NO_KEY = "none"
_PLACEHOLDER = re.compile(r"{(\w+)}")
SIGN_IN_OTHERWISE = frozenset(
    {
        "azure", "azure_ai", "bedrock", "bedrock_converse", "chatgpt", "gigachat", "github_copilot", "oci", "sagemaker",
        "sagemaker_chat", "sap", "snowflake", "vertex_ai", "vertex_ai_beta", "watsonx",
    }
)  # fmt: skip
"""LiteLLM's prefixes of providers that may know their callers by other means than a key."""

# They run on a machine of one's own unless the file says where.
_OWN_SERVERS = frozenset(
    {
        "docker_model_runner", "hosted_vllm", "infinity", "lemonade", "llamafile", "lm_studio", "ollama",
        "ollama_chat", "oobabooga", "petals", "triton", "vllm", "xinference",
    }
)  # fmt: skip
_STANDS_ELSEWHERE = {
    "model": "The model's name stands under name.",
    "api_key": "Write api_key on the provider.",
    "api_base": "Write api_base on the provider.",
    "base_url": "Write api_base on the provider.",
    "custom_llm_provider": "Write litellm_provider on the provider.",
    "rpm": "Write it under limits.",
    "tpm": "Write it under limits.",
    "order": "Write priority on the provider.",
    "weight": "Write priority on the provider.",
}


def read_provider(source: Source, env: Environment, name: str, section: FileProvider, defaults: Defaults) -> Provider:
    """The provider of a section. Raises ConfigError; what is merely odd becomes a warning of `source`."""
    preset = preset_of(name, section.litellm_provider)
    prefix = _prefix(source, name, section, preset)
    api_base, missing = _api_base(source, env, name, section, preset)
    keys, needs_key = _keys(source, env, name, prefix, section, preset)
    default_priority = _PRIORITY_PAID if section.tier == "paid" else _PRIORITY
    return Provider(
        name=name,
        priority=default_priority if section.priority is None else section.priority,
        tier=section.tier,
        enabled=section.enabled,
        litellm_provider=prefix,
        api_base=api_base,
        keys=keys,
        pool=section.pool,
        account=section.account,
        limits=section.limits,
        trust=section.trust,
        on_retired=section.on_retired or defaults.on_retired,
        pace=_pace(source, name, section, defaults),
        day=_day(section.day, preset),
        week=section.week,
        month=section.month,
        models=tuple(_models(source, env, name, prefix, section)),
        needs_key=needs_key,
        missing=missing,
    )


def _pace(source: Source, name: str, section: FileProvider, defaults: Defaults) -> Pace:
    lasting = any(limits.lasting for limits in (section.limits, *(model.limits for model in section.models)))
    if section.pace == "even" and not lasting:
        told = f"{name}: pace spreads limits of a day, a week or a month, and there are none; add one, such as tpd"
        source.warn(("providers", name, "pace"), told)
    return section.pace or defaults.pace


def _prefix(source: Source, name: str, section: FileProvider, preset: Preset | None) -> str:
    if section.litellm_provider is None:
        if preset is None and _is_unknown(name):
            near = nearest(name, [*provider_names(), "together"])
            meant = f"Did you mean {near}? Otherwise" if near else "Otherwise"
            hint = f"{meant} add litellm_provider, such as openai for a compatible server."
            what = f"{name}: LiteLLM knows no provider of this name"
            raise source.error(("providers", name), what, hint, key=True)
        if preset is None or (preset.address is not None and section.api_base is not None and not _is_unknown(name)):
            return name
        return preset.litellm_provider
    prefix = section.litellm_provider.removesuffix("/")
    if preset is None and _is_unknown(prefix):
        near = nearest(prefix, provider_names())
        meant = f"; did you mean {near}?" if near else ""
        where = ("providers", name, "litellm_provider")
        source.warn(where, f"{name}: LiteLLM knows no provider {prefix}{meant}")
    return prefix


def _is_unknown(prefix: str) -> bool:
    return bool(provider_names()) and prefix not in provider_names()


def _api_base(
    source: Source, env: Environment, name: str, section: FileProvider, preset: Preset | None
) -> tuple[str | None, tuple[str, ...]]:
    """The address of a provider, and the variables that are needed for it and not set."""
    where = ("providers", name, "api_base")
    url = section.api_base
    if url is None:
        return _known_address(env, preset)
    if (variable := variable_of(url)) is not None:
        url = env.get(variable)
        if url is None:
            if preset is None or section.litellm_provider is not None:
                return None, (variable,)
            source.warn(where, f"{name}: {variable} is not set; the provider's own address is used")
            return None, ()
    if not _is_http_address(url):
        hint = "Write the server's address, such as http://127.0.0.1:11434/v1, or os.environ/NAME."
        raise source.error(where, f"{name}, api_base: this is no http address", hint)
    return url.rstrip("/"), ()


def _known_address(env: Environment, preset: Preset | None) -> tuple[str | None, tuple[str, ...]]:
    """The address that a preset has where LiteLLM has none."""
    if preset is None or preset.address is None:
        return None, ()
    values = {name: env.get(name) for name in _PLACEHOLDER.findall(preset.address)}
    missing = tuple(name for name, value in values.items() if value is None)
    return (None, missing) if missing else (_PLACEHOLDER.sub(lambda each: str(values[each[1]]), preset.address), ())


def _is_http_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return is_sendable(url) and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _keys(
    source: Source, env: Environment, name: str, prefix: str, section: FileProvider, preset: Preset | None
) -> tuple[tuple[Key, ...], bool]:
    """The keys of a provider, and whether it needs one."""
    if section.api_key is None:
        # The key of a known provider is not sent to a server that merely speaks its language.
        own_server = section.api_base is not None and section.litellm_provider not in (None, name)
        if preset is not None and preset.key_variables and not own_server:
            return (env.first_key(preset.key_variables),), True
        if _is_near(env, section, prefix):
            return (Key(),), False
        return (env.first_key((_usual_variable(name),)),), True
    if [written.key.strip().lower() for written in section.api_key] == [_NO_KEY]:
        return (Key(),), False
    keys: list[Key] = []
    for index, written in enumerate(section.api_key):
        where = ("providers", name, "api_key", index)
        key = replace(_key(source, env, where, name, written.key), account=written.account)
        if key.variable is not None and key.variable in [other.variable for other in keys]:
            raise source.error(where, f"{name}: {key.variable} is listed twice", "Keep it once in the pool.")
        if key.secret is not None and key.secret in [other.secret for other in keys]:
            source.warn(where, f"{name}: this key is already in the pool; its second entry is not used")
            key = Key(variable=key.variable)
        keys.append(key)
    return tuple(keys), True


def _is_near(env: Environment, section: FileProvider, prefix: str) -> bool:
    """Whether a provider of which no preset knows the key is asked without one."""
    url = section.api_base
    if url is not None and (variable := variable_of(url)) is not None:
        url = env.get(variable)
        if url is None:
            return True  # the address is what is missing
    return prefix in SIGN_IN_OTHERWISE | _OWN_SERVERS if url is None else is_local(url)


def _usual_variable(name: str) -> str:
    """Where the key of an unknown provider is looked for: `my-server` in MY_SERVER_API_KEY."""
    upper = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
    return f"{'_' if upper[:1].isdigit() else ''}{upper}_API_KEY"


def _key(source: Source, env: Environment, where: Where, name: str, text: str) -> Key:
    if (variable := variable_of(text)) is not None:
        return env.first_key((variable,))
    if (meant := misspelt_variable(text)) is not None:
        what = f"{name}, api_key: this is neither a key nor a variable"
        raise source.error(where, what, f"Write os.environ/{meant}.")
    if not is_sendable(text):
        hint = "Write os.environ/NAME, and put the key into .env."
        raise source.error(where, f"{name}, api_key: no key holds such characters", hint)
    source.warn(where, f"{name}: a key is written into the file; put it into .env and write os.environ/NAME")
    return Key(secret=Secret(text))


def _day(written: FileDay, preset: Preset | None) -> Day:
    known = Day(window=preset.day, timezone=preset.timezone) if preset is not None else Day()
    if written.window == "rolling":  # Its weeks and months may be the calendar's.
        return Day(timezone=written.timezone or known.timezone)
    if written.timezone is not None:
        return Day(window="calendar", timezone=written.timezone)
    if written.window is None or written.window == known.window:
        return known
    return Day(window="calendar", timezone="UTC")


def _models(source: Source, env: Environment, name: str, prefix: str, section: FileProvider) -> Iterator[Model]:
    where = ("providers", name, "models")
    first: dict[str, int] = {}
    for index, model in enumerate(section.models):
        same = model.name.replace(":", "~")  # as deployment ids have it
        if same in first:
            line = source.mark((*where, first[same])).line
            what = f"two deployments would have the id {name}/{model.name}#1"
            hint = f"The model is listed on line {line} already; keep one entry, with all its groups."
            raise source.error((*where, index), what, hint)
        first[same] = index
        if (warning := retirement_warning(name, prefix, model.name)) is not None and section.enabled:
            source.warn((*where, index), warning)
        if model.name.startswith(f"{prefix}/") and prefix not in ("groq", "openrouter"):
            bare = model.name.removeprefix(f"{prefix}/")
            source.warn((*where, index), f"{name}: {prefix}/ is added by itself; write {bare}")
        yield replace(
            model,
            groups=tuple(dict.fromkeys(model.groups)),
            litellm_params=_parameters(source, env, (*where, index, "litellm_params"), model),
        )


def _parameters(source: Source, env: Environment, where: Where, model: Model) -> dict[str, Any]:
    for name in model.litellm_params:
        if name in _STANDS_ELSEWHERE:
            what = f"{model.name}: {name} has its own place in this file"
            raise source.error((*where, name), what, _STANDS_ELSEWHERE[name], key=True)
    return read_settings(source, env, where, model.litellm_params)


def read_settings(source: Source, env: Environment, where: Where, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings for LiteLLM with their variables looked up; those whose variable is unset are left out."""
    sealed: dict[str, Any] = {}
    for name, value in settings.items():
        try:
            sealed[name] = env.seal(value, name, name)
        except KeyError as unset:
            source.warn((*where, name), f"{name} is left out: {unset.args[0]} is not set")
    return sealed
