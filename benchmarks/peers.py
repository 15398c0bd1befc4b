"""Other routers over free tiers, each in an environment of its own under build/peers, which is made once."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build" / "peers"
VERSIONS: Final = {"freellmpool": "0.13.0", "freelm": "0.5.2", "flexrouter": "2.3.2"}

LIMITS: Final = {"groq": {"rpm": 30}, "together": {"rpm": 60}, "openrouter": {"rpm": 50}}
"""Of providers that speak OpenAI's wire format, which all of them know."""


def python_of(peer: str) -> str:
    """The interpreter of a peer's environment. Raises SystemExit where the package registry has no such package."""
    return python_with(peer, VERSIONS[peer])


def python_with(package: str, version: str) -> str:
    """The same of any package, such as `litellm[proxy]`."""
    place = BUILD / f"{re.sub(r'[^a-z]+', '-', package).strip('-')}-{version}"
    python = place / "bin" / "python"
    if not (place / "made").exists():
        print(f"making {place.relative_to(ROOT)}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        install = [str(python), "-m", "pip", "install", "-qq", f"{package}=={version}"]
        if subprocess.run(install).returncode:
            raise SystemExit(f"{package} {version} could not be installed; leave it out with --only")
        (place / "made").touch()
    return str(python)


def environment() -> dict[str, str]:
    """Variables for a peer. flexrouter fetches an encoding, which LiteLLM brings: no network is needed."""
    found = find_spec("litellm")
    encodings = Path(str(found and found.origin)).parent / "litellm_core_utils" / "tokenizers"
    return {**os.environ, "TIKTOKEN_CACHE_DIR": str(encodings)}
