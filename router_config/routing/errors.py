"""The one error of our own that a request can end with."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from litellm.exceptions import RateLimitError

from router_config.ledger.rules.decisions import Attempt


@dataclass(frozen=True, slots=True)
class ProviderVerdict:
    """Why a provider could not serve. `until` is UTC ISO 8601; None when waiting does not help or nobody can tell."""

    status: str
    reason: str
    until: str | None

    def __getitem__(self, name: str) -> Any:
        return asdict(self)[name]


class NoProviderAvailable(RateLimitError):
    """Nothing can serve this request now.

    `retry_after`: seconds until a provider is expected to have room again, None if none will without a person.
    `verdicts`: per provider of the group, why, and until when. `attempts`: what was tried for this request.
    `agent_class`: the class of the agent that asked; None where there are no classes.
    """

    def __init__(
        self,
        model: str,
        retry_after: float | None,
        verdicts: Mapping[str, ProviderVerdict],
        attempts: Iterable[Attempt],
        agent_class: str | None = None,
    ) -> None:
        self._made_of = model, retry_after, dict(verdicts), tuple(attempts), agent_class
        self.agent_class = agent_class
        self.retry_after = retry_after
        self.verdicts = dict(verdicts)
        self.attempts = self._made_of[3]
        when = "Waiting will not change that" if retry_after is None else f"Try again in {retry_after:.0f} s"
        reasons = "\n".join(f"  {name}: {verdict.status}: {verdict.reason}" for name, verdict in self.verdicts.items())
        whom = "" if agent_class is None else f" for class {agent_class}"
        self._text = f"no provider can serve {model!r}{whom} now. {when}.\n{reasons or '  no provider serves it'}"
        super().__init__(message=self._text, llm_provider="", model=model)
        headers = {} if retry_after is None else {"retry-after": str(int(retry_after) + 1)}
        self.headers = headers
        self.response = httpx.Response(429, headers=headers, request=self.response.request)
        self.category = "litellm_rate_limit"  # LiteLLM tells its own limits from a provider's by it, since 1.92.

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of

    def __str__(self) -> str:
        # LiteLLM adds its own remarks to `message` on the way (1.106.2).
        return self._text
