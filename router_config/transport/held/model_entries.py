"""The entries of a model list as LiteLLM keeps them, without its making a Router of the list: 2.5 ms each (1.110.2).

What LiteLLM makes of an entry depends on its provider and on which parameters it has, not on the model's name, the key
or the address. So it is seen at one entry of a kind, and done to the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from router_config.slices import pause

OWN: Final = ("model", "api_key", "api_base")
"""What of `litellm_params` is different from entry to entry of a kind."""

REFERENCE: Final = "os.environ/"
"""LiteLLM looks up what begins so."""

PLAIN: Final = (bool, int, float, str, type(None))

Entry = dict[str, Any]
Kind = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Treatment:
    """What LiteLLM does to entries of one kind.

    params, info: what it adds or sets. gone: the parameters that it takes out. serves: False where it leaves the entry
    out.
    """

    params: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    serves: bool = True


class Treatments:
    """What is known of LiteLLM's treatment of entries, by their kind. Every entry has an id."""

    def __init__(self) -> None:
        self._known: dict[Kind, _Treatment | None] = {}
        self._done: dict[str, tuple[Entry, Entry]] = {}
        """The entries that were treated last, by id: as they were given, and as they are kept."""

    def learn(self, given: Iterable[Entry], kept: Sequence[Entry]) -> None:
        """given: entries of a model list. kept: what LiteLLM made of that list."""
        by_id = {each["model_info"]["id"]: each for each in kept}
        for entry in given:
            pause()
            kind = kind_of(entry)
            made = by_id.get(entry["model_info"]["id"])
            if kind not in self._known:
                self._known[kind] = _treatment(entry, made)
            if made is not None:
                self._done[made["model_info"]["id"]] = entry, made

    def unknown(self, entries: Iterable[Entry]) -> list[Entry]:
        """One entry of each kind that was never seen."""
        found = {
            kind: each for each in entries if not self._was_done(each) and (kind := kind_of(each)) not in self._known
        }
        return list(found.values())

    def done_to(self, entries: Iterable[Entry]) -> list[Entry] | None:
        """The entries as LiteLLM would keep them; None where that cannot be told of one. The same for one seen last."""
        found: dict[str, tuple[Entry, Entry]] = {}
        for entry in entries:
            pause()
            name = entry["model_info"]["id"]
            done = self._done[name] if self._was_done(entry) else None
            if done is None:
                treatment = self._known.get(kind_of(entry))
                if treatment is None:
                    return None
                if not treatment.serves:
                    continue
                done = entry, _treated(entry, treatment)
            found[name] = done
        self._done = found
        return [kept for _, kept in found.values()]

    def _was_done(self, entry: Entry) -> bool:
        done = self._done.get(entry["model_info"]["id"])
        return done is not None and done[0] is entry


def kind_of(entry: Entry) -> Kind:
    """LiteLLM's prefix, with the parameters but for the values that are the entry's own."""
    params = entry["litellm_params"]
    return (
        str(params["model"]).partition("/")[0],
        frozenset((name, _own(value) if name in OWN else repr(value)) for name, value in params.items()),
        frozenset(entry["model_info"]),
    )


def _own(value: Any) -> str:
    return "" if isinstance(value, str) and not value.startswith(REFERENCE) else repr(value)


def _treated(entry: Entry, treatment: _Treatment) -> Entry:
    params = {name: value for name, value in entry["litellm_params"].items() if name not in treatment.gone}
    return {
        **entry,
        "litellm_params": params | treatment.params,
        "model_info": entry["model_info"] | treatment.info,
    }


def _treatment(entry: Entry, kept: Entry | None) -> _Treatment | None:
    """What made the one of the other; None where it depends on more than the entry's kind."""
    if kept is None:
        return _Treatment(serves=False)
    given, made = (each["litellm_params"] for each in (entry, kept))
    given_info, made_info = (each["model_info"] for each in (entry, kept))
    params, info = _new(given, made), _new(given_info, made_info)
    gone = frozenset(given.keys() - made.keys())
    of_this_entry = (params.keys() | gone) & set(OWN) or info.keys() & given_info.keys()
    if of_this_entry or not all(isinstance(value, PLAIN) for value in (*params.values(), *info.values())):
        return None
    found = _Treatment(params, info, gone)
    return found if _treated(entry, found) == kept else None


def _new(given: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name not in given or given[name] != value}
