"""A plan as one HTML file that needs no server: it holds the page's own scripts and styles, and the plan."""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final

from .bundle import bundled

STYLES: Final = ("base", "sections", "plan")
"""The page's, in its order."""


def page(plan: Mapping[str, Any], *, about: str = "", made: str = "") -> str:
    """The file. Nothing in it is fetched from anywhere, and its policy forbids that.

    plan: the JSON of `router-config plan --json`. about: which configuration it is of. made: a line for the foot.
    """
    here, static = files(__package__), files(__package__.rpartition(".")[0]) / "static"
    style = "".join((static / "styles" / f"{name}.css").read_text("utf-8") for name in STYLES)
    script = bundled((here / "entry.js").read_text("utf-8"), static / "scripts")
    return Template((here / "template.html").read_text("utf-8")).substitute(
        title=escape(f"Will it last? {plan['told'].partition('.')[0]}"),
        about=escape(about),
        told=escape(plan["told"]),
        made=escape(made),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        # Within a script element only `<` could end it, and an escape of JSON stands for it as well.
        data=json.dumps(plan, separators=(",", ":")).replace("<", "\\u003c"),
    )


def _hash(text: str) -> str:
    """By which the file's policy knows a script or style of its own."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
