"""Short ways to a configuration file, for tests of loading."""

from collections.abc import Callable
from pathlib import Path

from router_config.config.loading import load_config
from router_config.config.models import Config

Load = Callable[..., Config]


def load_text(text: str | bytes, env: dict[str, str] | None = None, dotenv: str | None = None) -> Config:
    """Writes a litellm.yaml (and a .env) into the current folder and loads it with no variables but `env`."""
    Path("litellm.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    if dotenv is not None:
        Path(".env").write_text(dotenv)
    return load_config("litellm.yaml", env if env is not None else {})


def groq(more: str = "", models: str = "[m]") -> str:
    """A file with the provider groq: its models on line 3, each line of `more` from line 4 on."""
    lines = "".join(f"    {line}\n" for line in more.splitlines())
    return f"providers:\n  groq:\n    models: {models}\n{lines}"
