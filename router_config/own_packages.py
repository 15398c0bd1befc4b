"""`router_config.adapters` and `router_config.monitoring`: our packages under names that no other package has.

An application may have an `adapters` of its own, which hides ours. Under the second name ours is found beside this
package, wherever that is. Where the first name is ours as well, both are one module: the same classes, the same state.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

_BESIDE: Final = Path(__file__).resolve().parent.parent


def stand_for(alias: str, name: str) -> None:
    """Makes the module `alias`, which is being imported, our package `name`."""
    folder = _BESIDE / name
    if _is_ours(name, folder):
        sys.meta_path.insert(0, _SecondName(alias, name))
        sys.modules[alias] = import_module(name)
        return
    spec = spec_from_file_location(alias, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None or not folder.is_dir():
        raise ModuleNotFoundError(f"{folder} is missing; install litellm-router-config anew", name=alias)
    module = module_from_spec(spec)
    sys.modules[alias] = module
    spec.loader.exec_module(module)


def _is_ours(name: str, folder: Path) -> bool:
    """Whether `import NAME` gives, or would give, the package in this folder."""
    try:
        found = find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None and Path(found.origin).resolve().parent == folder


class _SecondName(MetaPathFinder, Loader):
    """Finds `router_config.adapters.x` as `adapters.x`, so that no module is there twice."""

    def __init__(self, alias: str, name: str) -> None:
        self._alias, self._name = f"{alias}.", f"{name}."
        self._specs: dict[str, ModuleSpec | None] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname.startswith(self._alias) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self._name + spec.name.removeprefix(self._alias))
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the second name's spec in the place of the first.
        if module.__spec__ is not None:
            module.__spec__ = self._specs.pop(module.__spec__.name)
