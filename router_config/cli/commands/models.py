"""`router-config models`: the providers' own lists beside the file, and the edit that follows from them."""

import argparse
import sys
from pathlib import Path

from router_config.catalogue.names import find
from router_config.cli.editing.config_edit import edit
from router_config.cli.editing.model_edits import Edit, edits, with_model
from router_config.cli.model_lists import Looked, look
from router_config.cli.model_table import document, tables
from router_config.cli.text import print_json
from router_config.config.grammar.rules import nearest
from router_config.config.loading import load_config
from router_config.config.models import Config, ConfigError, Provider


def models(arguments: argparse.Namespace) -> int:
    """Shows the lists, and writes what is asked for. 1 if a model of the file is gone, or no list could be read."""
    path = Path(arguments.config)
    config = load_config(path)
    providers = _chosen(config, path, arguments.providers)
    if arguments.add is not None and len(arguments.providers) != 1:
        raise ConfigError(
            f"--add needs the one provider that serves the model\n"
            f"  Write `router-config models PROVIDER --add {arguments.add[:80]}`."
        )
    looked = look(config, providers, refresh=arguments.refresh, tell=_tell)
    if arguments.add is not None:
        _require_listed(looked[0], arguments.add)
    planned = list(edits((each.provider, each.comparison) for each in looked if each.comparison is not None))
    if not arguments.json:
        print(tables(looked, every=arguments.all), flush=True)
    diff = _write(path, planned if arguments.write else [], providers, arguments.add)
    if arguments.json:
        print_json({**document(looked, str(path)), **({} if diff is None else {"diff": diff})})
    elif diff:
        print(f"\n{diff}")
    _say(planned, written=arguments.write)
    return _code(looked, planned if arguments.write else [])


def _chosen(config: Config, path: Path, names: list[str]) -> list[Provider]:
    if not names:
        return [provider for provider in config.by_priority if provider.enabled]
    known = {provider.name: provider for provider in config.providers}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean {near}?" if near else f"There: {', '.join(known)}."
            raise ConfigError(f'{path}: there is no provider "{name[:60]}"\n  {hint}')
    return [known[name] for name in dict.fromkeys(names)]


def _require_listed(looked: Looked, name: str) -> None:
    provider = looked.provider
    if any(model.name.casefold() == name.casefold() for model in provider.models):
        raise ConfigError(f"{provider.name}: {name} is in the file already; nothing was written")
    if looked.kept is None:
        raise ConfigError(
            f"{provider.name}: its list could not be read ({looked.problem}); nothing was written\n"
            f"  Write the model with `router-config set {provider.name}.models '[...]'`."
        )
    listing = looked.kept.listing
    if find(listing, name) is None:
        near = nearest(name, [model.name for model in listing.models])
        hint = f"Did you mean {near}?" if near else f"`router-config models {provider.name} --all` shows its list."
        raise ConfigError(f"{provider.name} lists no {name[:80]!r}; nothing was written\n  {hint}")


def _write(path: Path, planned: list[Edit], providers: list[Provider], added: str | None) -> str | None:
    """Makes the edits in the file. Returns the differences; None where nothing was to be written."""
    if not planned and added is None:
        return None

    def change(text: str) -> str:
        for each in planned:
            text = each.apply(text)
        return text if added is None else with_model(text, providers[0], added)

    return edit(path, change)


def _say(planned: list[Edit], *, written: bool) -> None:
    """What was done, or is to be done next, on standard error."""
    for change in planned if written else []:
        print(change.said(), file=sys.stderr)
    if planned and not written:
        print("Next: router-config models --write, to put these successors into the file", file=sys.stderr)


def _code(looked: list[Looked], done: list[Edit]) -> int:
    replaced = {(each.provider, each.model) for each in done}
    gone = {(each.provider.name, model.name) for each in looked if each.comparison for model in each.comparison.gone}
    nobody = not any(each.kept for each in looked)
    return 1 if gone - replaced or nobody else 0


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
