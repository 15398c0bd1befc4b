"""What a request goes by: the configuration as it is when the request begins. An edit makes another one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router_config.config.models import Config
from router_config.deployments.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that a request reads of the configuration. It takes them once, so it sees an edit whole or not at all.

    config: the file's, if there is one. settings: those of litellm.Router. catalog: None until it is made of the model
    list. loaded_at: epoch seconds. error: why a newer file cannot be used. The rest is as in `Router`.
    """

    config: Config | None
    settings: Mapping[str, Any]
    cooldown: float
    soft_limit: float
    max_wait: float
    output_tokens: int
    max_response: int
    loaded_at: float
    catalog: Catalog | None = None
    error: str | None = None

    @property
    def groups(self) -> Catalog:
        """The catalog of a request that has begun."""
        if self.catalog is None:
            raise AssertionError("a request begins with a catalog")
        return self.catalog
