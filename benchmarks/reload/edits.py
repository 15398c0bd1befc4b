"""Edits of a litellm.yaml and its `.env`: every kind there is, one in five broken, saved as editors save."""

import copy
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.clients import MODELS
from router_config import ConfigError
from router_config.config.loading import load_text

LIMITED: Final = {"groq": 600, "gemini": 300, "openrouter": 600}
"""Requests a minute that the providers allow; the file says as many or fewer."""

COUNTED: Final = 1_000_000
"""A limit of a day that nobody reaches: its meter says how many requests were counted."""

WRITING: Final = 0.03
"""Seconds that a file is half written, where it is written in place."""

GONE: Final = "providers left out"
"""Of the document alone; the file does not have them."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """One save. at: when it was whole, epoch seconds. of: `file` or `env`."""

    number: int
    kind: str
    how: str
    of: str
    broken: bool
    at: float

    def in_force(self, told: Mapping[str, Any]) -> bool:
        """Whether a process that tells this goes by the edit, or has seen that it is broken."""
        if told["at"] < self.at - WRITING:
            return False
        return bool(told["broken"]) if self.broken else not told["broken"] and told[self.of] == self.number


class File:
    """litellm.yaml as it is edited, and the `.env` beside it.

    bases: the address of each provider. state: the store. A seed makes the same edits again.
    """

    def __init__(self, folder: Path, bases: Mapping[str, str], state: str, seed: int) -> None:
        self.path, self._env = folder / "litellm.yaml", folder / ".env"
        self._chance = random.Random(seed)
        self._state, self._bases = state, bases
        self._document = self._begun()
        self._keys = {f"KEY_{name.upper()}": f"simulated-{name}-0" for name in bases}
        self._number = 0
        self._next: list[str] = []
        self._save_env()
        self.path.write_text(self._text(), "utf-8")

    def edit(self) -> Edit:
        """Make the next edit. Every kind comes once before any comes again; each fifth cannot be used."""
        self._number += 1
        place = self._number % 5
        if place == 3:
            return self._break()
        if place == 2 and self._chance.random() < 0.5:
            self._keys["KEY_OPENAI"] = f"simulated-openai-{self._number}"
            self._keys["KEY_TOGETHER"] = f"simulated-together-{self._number}"
            return Edit(self._number, "keys in .env", "replaced", "env", False, self._save_env())
        if not self._next:
            self._next = self._chance.sample(sorted(KINDS), len(KINDS))
        kind = self._next.pop()
        KINDS[kind](self._document, self._chance)
        return self._save(kind, self._text())

    def restore(self) -> Edit:
        """The file as it was at first."""
        self._number += 1
        self._document = self._begun()
        return self._save("restored", self._text())

    def _break(self) -> Edit:
        text = self._text()
        kind = self._chance.choice(("half a file", "no YAML", "a wrong value", "an unknown key", "empty", "gone"))
        if kind == "gone":
            self.path.unlink()
            return Edit(self._number, kind, "deleted", "file", True, time.time())
        if kind == "half a file":
            broken = text[: self._chance.randrange(len(text))]
            while _is_good(broken, self.path):
                broken = text[: self._chance.randrange(len(text))]
        elif kind == "empty":
            broken = ""
        else:
            wrong = {
                "no YAML": "\nproviders: [",
                "a wrong value": "\nversion: lots\n",
                "an unknown key": "\ncolour: 1\n",
            }
            broken = text + wrong[kind]
        return self._save(kind, broken, broken=True)

    def _save(self, kind: str, text: str, *, broken: bool = False) -> Edit:
        how = self._chance.choice(sorted(WAYS))
        WAYS[how](self.path, text)
        return Edit(self._number, kind, how, "file", broken, time.time())

    def _save_env(self) -> float:
        replaced(self._env, "".join(f"{name}={value}\n" for name, value in self._keys.items()))
        return time.time()

    def _text(self) -> str:
        document = copy.deepcopy(self._document)
        document.pop(GONE, None)
        document["aliases"] = {f"edit-{self._number}": "default", **document["aliases"]}
        return yaml.safe_dump(document, sort_keys=False)

    def _begun(self) -> Document:
        return {
            "version": 1,
            "state": self._state,
            "defaults": {"cooldown": "5m", "timeout": "30s"},
            "providers": {
                name: {
                    "priority": priority,
                    "tier": "free",
                    "account": f"ours-{name}",
                    "api_base": base,
                    "api_key": f"os.environ/KEY_{name.upper()}",
                    "limits": {"rpd": COUNTED, **({"rpm": LIMITED[name]} if name in LIMITED else {})},
                    "models": [{"name": MODELS[name]}],
                }
                for priority, (name, base) in enumerate(self._bases.items(), start=1)
            },
            "aliases": {"gpt-4o": "default"},
        }


def _is_good(text: str, path: Path) -> bool:
    try:
        load_text(text, path)
    except ConfigError:
        return False
    return True


# The kinds. openai is never left out or switched off: somebody can serve at any moment.


def _some(document: Document, chance: random.Random, *, without: str = "openai") -> Document:
    names = [name for name in document["providers"] if name != without]
    found: Document = document["providers"][chance.choice(names)]
    return found


def _remove_or_return(document: Document, chance: random.Random) -> None:
    gone = document.setdefault(GONE, {})
    providers = document["providers"]
    if gone:
        name = chance.choice(sorted(gone))
        providers[name] = gone.pop(name)
    elif len(providers) > 3:
        name = chance.choice([name for name in providers if name != "openai"])
        gone[name] = providers.pop(name)


def _enable(document: Document, chance: random.Random) -> None:
    provider = _some(document, chance)
    provider["enabled"] = not provider.get("enabled", True)


def _limits(document: Document, chance: random.Random) -> None:
    for name, most in LIMITED.items():
        if name in document["providers"]:
            document["providers"][name]["limits"]["rpm"] = chance.choice((most, most // 2, most // 10))


def _windows(document: Document, chance: random.Random) -> None:
    limits = _some(document, chance)["limits"]
    limits.update(chance.choice(({"rph": 30_000}, {"tpw": "900M"}, {"requests": {"per": "5h", "max": 100_000}})))


def _models(document: Document, chance: random.Random) -> None:
    models = _some(document, chance)["models"]
    if len(models) > 1:
        models.pop()
    else:
        models.append({"name": "another-model", "limits": {"rpm": 30_000}})


def _groups(document: Document, chance: random.Random) -> None:
    _some(document, chance)["models"][0]["groups"] = ["default", *chance.choice(((), ("fast",), ("fast", "deep")))]


def _aliases(document: Document, chance: random.Random) -> None:
    names = chance.sample(("gpt-4o", "gpt-4o-mini", "claude", "*"), chance.randrange(4))
    document["aliases"] = dict.fromkeys(names, "default")


def _key(document: Document, chance: random.Random) -> None:
    name = chance.choice(("openrouter", "together"))
    if name in document["providers"]:
        document["providers"][name]["api_key"] = f"simulated-{name}-{chance.randrange(10**6)}"


def _pool(document: Document, chance: random.Random) -> None:
    if "openrouter" in document["providers"]:
        keys = [f"simulated-openrouter-{chance.randrange(10**6)}" for _ in range(chance.randrange(1, 4))]
        document["providers"]["openrouter"] |= {"api_key": keys, "pool": "shared"}


def _price(document: Document, chance: random.Random) -> None:
    _some(document, chance)["models"][0]["price"] = {"input": chance.randrange(9), "output": chance.randrange(9)}


def _parameters(document: Document, chance: random.Random) -> None:
    _some(document, chance)["models"][0]["litellm_params"] = {"temperature": chance.randrange(10) / 10}


def _state(document: Document, chance: random.Random) -> None:
    document["state"] = f"sqlite:///elsewhere-{chance.randrange(3)}.db"


def _reorder(document: Document, chance: random.Random) -> None:
    named = list(document["providers"].items())
    chance.shuffle(named)
    document["providers"] = dict(named)


def _setting(where: str, name: str, *values: Any) -> Callable[[Document, random.Random], None]:
    def change(document: Document, chance: random.Random) -> None:
        document.setdefault(where, {})[name] = chance.choice(values)

    return change


def _priority(document: Document, chance: random.Random) -> None:
    _some(document, chance)["priority"] = chance.randrange(1, 6)


def _tier(document: Document, chance: random.Random) -> None:
    _some(document, chance)["tier"] = chance.choice(("free", "paid"))


KINDS: Final[Mapping[str, Callable[[Document, random.Random], None]]] = {
    "aliases": _aliases,
    "groups": _groups,
    "priorities": _priority,
    "order": _reorder,
    "tier": _tier,
    "soft limit": _setting("defaults", "soft_limit", "80%", "90%", "95%"),
    "cooldown": _setting("defaults", "cooldown", "1m", "5m", "10m"),
    "timeout": _setting("defaults", "timeout", "20s", "30s", "60s"),
    "longest wait": _setting("defaults", "max_wait", "0s", "1s", "5s"),
    "expected answer": _setting("defaults", "output_tokens", 100, 500),
    "longest answer": _setting("defaults", "max_response", "1MB", "64MB"),
    "prices": _price,
    "models": _models,
    "parameters of a model": _parameters,
    "a provider less, a provider more": _remove_or_return,
    "enabled": _enable,
    "key": _key,
    "pool of keys": _pool,
    "limits lowered, limits raised": _limits,
    "limits of other windows": _windows,
    "state": _state,
    "router_settings": _setting("router_settings", "num_retries", 0, 1, 2),
    "litellm_settings": _setting("litellm_settings", "drop_params", True, False),
}


# The ways of saving.


def replaced(path: Path, text: str) -> None:
    """As most editors do, and `router-config set`; a link is a file afterwards."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)


def in_place(path: Path, text: str) -> None:
    """Truncated, then written in two pieces; through a link, if it is one."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        time.sleep(WRITING)
        file.write(text[len(text) // 2 :])


def swapped(path: Path, text: str) -> None:
    """As Kubernetes does with a ConfigMap: the file is a link through a link to a folder, and that one is replaced."""
    folder = path.parent / f"..{time.time_ns()}"
    folder.mkdir()
    (folder / path.name).write_text(text, "utf-8")
    (path.parent / "..tmp").symlink_to(folder.name)
    os.replace(path.parent / "..tmp", path.parent / "..data")
    if not path.is_symlink():
        link = path.with_name(f"{path.name}.link")
        link.symlink_to(Path("..data") / path.name)
        os.replace(link, path)


WAYS: Final[Mapping[str, Callable[[Path, str], None]]] = {
    "replaced": replaced,
    "written in place": in_place,
    "through links": swapped,
}
