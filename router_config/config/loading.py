"""From litellm.yaml and the environment to a Config."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from router_config.config.class_checks import checked
from router_config.config.credentials import Environment, variable_of
from router_config.config.file_format import FILE, File
from router_config.config.grammar.quantities import BadValue
from router_config.config.grammar.rules import Place, nearest
from router_config.config.grammar.yaml_source import Source, parse_yaml, read_yaml
from router_config.config.installed_litellm import router_settings
from router_config.config.models import Config, ConfigError, Provider
from router_config.config.provider_section import read_provider, read_settings
from router_config.config.sections.groups import check_names
from router_config.config.store_url import resolve_state

__all__ = ["ConfigError", "load_config", "load_text", "load_with_source"]


def load_config(path: str | os.PathLike[str] = "litellm.yaml", env: Mapping[str, str] | None = None) -> Config:
    """Reads a configuration file, and the `.env` beside it.

        config = load_config("litellm.yaml")
        print([provider.name for provider in config.by_priority if provider.configured])

    path: the YAML file. env: the variables to look keys up in, instead of those of the process; they win over `.env`.

    Raises ConfigError when the file cannot be used. The message says where, what is wrong, and what to do.
    """
    return load_with_source(path, env)[0]


def load_with_source(path: str | os.PathLike[str], env: Mapping[str, str] | None = None) -> tuple[Config, Source]:
    """`load_config`, and the source that knows where each part of the file stands."""
    file = Path(path)
    source = read_yaml(file, os.fspath(path))
    dotenv = file.parent / ".env"
    variables = Environment(os.environ if env is None else env, dotenv, str(dotenv))
    return _config(source, variables, file.absolute()), source


def load_text(text: str, path: str | os.PathLike[str], env: Mapping[str, str] | None = None) -> Config:
    """`load_config` of a text, as if it stood in the file `path`."""
    file = Path(path)
    dotenv = file.parent / ".env"
    variables = Environment(os.environ if env is None else env, dotenv, str(dotenv))
    return _config(parse_yaml(text, os.fspath(path)), variables, file.absolute())


def _config(source: Source, env: Environment, path: Path) -> Config:
    file: File = FILE.read(source.root, Place(source, source.root.mark))
    providers = tuple(
        read_provider(source, env, name, section, file.defaults) for name, section in file.providers.items()
    )
    _check_aliases(source, file, _groups(providers))
    _check_workload(source, file, _groups(providers), {each.name for each in file.classes})
    check_names(source, ("groups",), file.groups, _groups(providers), file.aliases)
    classes = checked(source, file.classes, {each.name: each.tier for each in providers})
    _check_router_settings(source, file.router_settings)
    if not isinstance(file.litellm_settings.get("cache", False), bool):
        hint = "Write true, and what LiteLLM's Cache takes under cache_params, or leave it out."
        raise source.error(("litellm_settings", "cache"), "this is neither true nor false", hint)
    state = _state(source, env, file.state, path.parent)
    router_settings = read_settings(source, env, ("router_settings",), file.router_settings)
    litellm_settings = read_settings(source, env, ("litellm_settings",), file.litellm_settings)
    _warn_of_odd_providers(source, providers)
    return Config(
        version=file.version,
        state=state,
        defaults=file.defaults,
        providers=providers,
        aliases=file.aliases,
        classes=classes,
        group_rules=file.groups,
        router_settings=router_settings,
        litellm_settings=litellm_settings,
        workload=file.workload,
        path=path,
        warnings=tuple(dict.fromkeys([*source.warnings, *env.warnings])),
        variables=tuple(env.used),
    )


def _state(source: Source, env: Environment, url: str, folder: Path) -> str:
    try:
        if (variable := variable_of(url)) is not None:
            found = env.get(variable)
            if found is None:
                raise BadValue(f"{variable} is not set", f"Set {variable} in the environment or in .env.")
            url = found
        return resolve_state(url, folder)
    except BadValue as bad:
        raise source.error(("state",), f"state: {bad.what}", bad.hint) from None


def _groups(providers: Iterable[Provider]) -> set[str]:
    return {group for provider in providers for model in provider.models for group in model.groups}


def _check_aliases(source: Source, file: File, groups: set[str]) -> None:
    for alias, group in file.aliases.items():
        where = ("aliases", alias)
        if alias in groups:
            what, hint = f'"{alias}" is a group already', "Choose another name for the alias."
            raise source.error(where, what, hint, key=True)
        if not alias.strip() or ("*" in alias and alias != "*"):
            what, hint = f'"{alias}" cannot be an alias', 'Write a whole name; "*" alone means any other.'
            raise source.error(where, what, hint, key=True)
        if group not in groups:
            near = nearest(group, groups)
            hint = f"Did you mean {near}?" if near else f"Groups that models serve: {', '.join(sorted(groups))}."
            is_alias = group in file.aliases
            wrong = f'"{group}" is an alias itself' if is_alias else f'no model serves the group "{group}"'
            raise source.error(where, f'alias "{alias}": {wrong}', hint)


def _check_workload(source: Source, file: File, groups: set[str], classes: set[str]) -> None:
    for place, load in enumerate(file.workload):
        if load.agent_class is not None and load.agent_class not in classes:
            near = nearest(load.agent_class, classes)
            hint = f"Did you mean {near}?" if near else f"There are: {', '.join(sorted(classes))}."
            what = f'workload, {load.agent}: no class is called "{load.agent_class[:60]}"'
            raise source.error(("workload", place, "class"), what, hint if classes else "Write `classes:` first.")
        names = {*groups, *file.aliases}
        if load.group not in names and "*" not in names:
            near = nearest(load.group, names)
            hint = f"Did you mean {near}?" if near else f"There are: {', '.join(sorted(names))}."
            what = f'workload, {load.agent}: no group or alias is called "{load.group}"'
            raise source.error(("workload", place, "group"), what, hint)


def _check_router_settings(source: Source, settings: dict[str, Any]) -> None:
    known = router_settings() if settings else frozenset()
    for name in settings:
        if name == "model_list" or (known and name not in known):
            near = nearest(name, known)
            hint = f"Did you mean {near}?" if near else "Look it up in the documentation of litellm.Router."
            if name == "model_list":
                hint = "It is made from `providers:`."
            what = f'litellm.Router has no parameter "{name[:60]}"'
            raise source.error(("router_settings", name), what, hint, key=True)


def _warn_of_odd_providers(source: Source, providers: tuple[Provider, ...]) -> None:
    enabled = [provider for provider in providers if provider.enabled]
    if not enabled:
        source.warn(("providers",), "every provider is switched off (enabled: false)", key=True)
    elif not any(provider.configured for provider in enabled):
        source.warnings.append("no provider has a key yet; set one with `router-config env`")
    for group in sorted(_groups(providers) - _groups(enabled)) if enabled else []:
        source.warnings.append(f"only providers that are switched off serve the group {group}")
    if "default" not in _groups(providers):
        source.warnings.append("no model serves the group default, which agents ask for unless told otherwise")
    owners: dict[tuple[str, str | None, str], str] = {}
    for provider in enabled:
        for key in provider.keys:
            if key.secret is not None:
                account = (provider.litellm_provider, provider.api_base, key.secret.get_secret_value())
                owner = owners.setdefault(account, provider.name)
                if owner != provider.name:
                    sentence = f"{owner} and {provider.name} have the same key, and their limits count apart"
                    source.warn(("providers", provider.name), sentence, key=True)
