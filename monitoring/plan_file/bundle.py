"""The page's modules as one script: a file that is opened from a disk may not import others."""

import re
from importlib.resources.abc import Traversable
from typing import Final

IMPORT: Final = re.compile(r'^import \{ (.+) \} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT: Final = re.compile(r"^export ((?:async )?function|const|let|class) ([\w$]+)", re.MULTILINE)
OTHERWISE: Final = re.compile(r"^(?:import|export)\b.*|</script", re.MULTILINE | re.IGNORECASE)
"""Ways to write a module that the page does not use, and that are not understood here."""


def bundled(entry: str, folder: Traversable) -> str:
    """A module with all that it imports, as one script. Each module is a function's body, so that no names meet.

    Raises ValueError for a module that is written in another way than those of the page.
    """
    made: dict[str, str] = {}

    def take(name: str, text: str) -> None:
        made[name] = ""  # Modules that import each other would have no order.
        for _, other in IMPORT.findall(text):
            if other not in made:
                take(other, (folder / f"{other}.js").read_text("utf-8"))
            elif not made[other]:
                raise ValueError(f"{name}.js and {other}.js import each other")
        body = IMPORT.sub(lambda found: f"const {{ {found[1].replace(' as ', ': ')} }} = of_{found[2]};\n", text)
        exported = ", ".join(each[1] for each in EXPORT.findall(body))
        body = EXPORT.sub(r"\1 \2", body)
        if strange := OTHERWISE.search(body):
            raise ValueError(f"{name}.js: {strange[0]!r} cannot be put into a file")
        del made[name]
        made[name] = f"const of_{name} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"

    take("entry", entry)
    return "".join(made.values())
