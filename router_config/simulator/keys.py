"""Keys by label and fingerprint. A key itself is never kept."""

import hashlib
import secrets
from collections.abc import Iterable


class Keys:
    """Which keys have appeared, and which of them work. Until told otherwise, every key works."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._labels: dict[tuple[str, bytes], str] = {}
        self._counts: dict[str, int] = {}
        self._bad: set[tuple[str, bytes]] = set()
        self._bad_labels: set[str] = set()
        self._good: dict[str, set[bytes]] = {}

    def label(self, provider: str, key: str) -> str:
        """`groq#1` for the first key that appeared at groq, and so on."""
        identity = provider, self._fingerprint(key)
        label = self._labels.get(identity)
        if label is None:
            self._counts[provider] = self._counts.get(provider, 0) + 1
            label = self._labels[identity] = f"{provider}#{self._counts[provider]}"
        return label

    def works(self, provider: str, key: str) -> bool:
        identity = provider, self._fingerprint(key)
        good = self._good.get(provider)
        return (
            identity not in self._bad
            and self._labels.get(identity) not in self._bad_labels
            and (good is None or identity[1] in good)
        )

    def set_bad(self, provider: str, keys: Iterable[str]) -> None:
        """From now on exactly these keys of the provider (or labels of keys) are refused."""
        given = list(keys)
        self._bad = {identity for identity in self._bad if identity[0] != provider}
        self._bad |= {(provider, self._fingerprint(key)) for key in given}
        self._bad_labels = {label for label in self._bad_labels if not label.startswith(f"{provider}#")}
        self._bad_labels |= {key for key in given if key.startswith(f"{provider}#")}

    def set_good(self, provider: str, keys: Iterable[str] | None) -> None:
        """From now on only these keys of the provider work; None: any."""
        if keys is None:
            self._good.pop(provider, None)
        else:
            self._good[provider] = {self._fingerprint(key) for key in keys}

    def labels(self) -> list[str]:
        """Labels of all keys that have appeared."""
        return list(self._labels.values())

    def _fingerprint(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode(), key=self._salt, digest_size=16).digest()
