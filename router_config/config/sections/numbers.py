"""The quantities of litellm.yaml as what may stand at a key: each with its JSON schema."""

from collections.abc import Mapping
from typing import Any, Final

from router_config.config.grammar.quantities import parse_count, parse_duration, parse_money, parse_sticky
from router_config.config.grammar.rules import Scalar

NUMBER: Final[Mapping[str, Any]] = {"type": ["number", "string"]}
COUNT: Final = Scalar(parse_count, {**NUMBER, "examples": [30, "100k", "15M"]})
DURATION: Final = Scalar(parse_duration, {**NUMBER, "examples": ["5m", "30s", "500ms"]})
STICKY: Final = Scalar(parse_sticky, {"anyOf": [{"const": False}, {**NUMBER, "examples": ["10m"]}]})
MONEY: Final = Scalar(parse_money, {**NUMBER, "examples": [5, 0.25]})
