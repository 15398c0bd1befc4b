"""The health check of `router-config doctor`: one tiny request to each model with each key, several at a time.

Requests go through the Router, so limits hold, and what an answer says of limits and cooldowns is kept. What is in
cooldown or disabled is asked all the same, and is back in use if it works again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import litellm

from router_config import Router
from router_config.catalogue.successors import successors
from router_config.config import prices as price_list
from router_config.config.models import Config, Provider
from router_config.deployments.deployment import Deployment
from router_config.presets.lookup import preset_of
from router_config.routing.errors import NoProviderAvailable
from router_config.signals import redact
from router_config.transport.errors.failures import why_unsent

State = Literal["ok", "limited", "failed", "unconfigured", "off"]

AT_ONCE: Final = 8
"""Requests under way at a time."""

QUESTION: Final[list[Any]] = [{"role": "user", "content": "Answer with the word OK."}]
ANSWER_TOKENS: Final = 16
LIMITED: Final = frozenset({"rate_limit", "daily_limit"})


@dataclass(frozen=True, slots=True)
class Finding:
    """How one model is served with one key, or why it was not asked.

    state: `ok`; `limited`, a limit has no room, which says nothing against the key; `failed`; `unconfigured`, no key;
    `off`, switched off in the file. variable: the environment variable of the key. seconds: how long the answer took.
    limits: by name, the limit, what is left of it and who says so. kind: what went wrong, in one word. revived: it was
    not asked until now, and works again.
    """

    deployment: str
    provider: str
    model: str
    state: State
    variable: str | None = None
    seconds: float | None = None
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kind: str | None = None
    problem: str | None = None
    advice: str | None = None
    revived: bool = False

    @property
    def works(self) -> bool:
        return self.state != "failed"


def distinct_deployments(router: Router) -> list[Deployment]:
    """Each model with each key, once, in the order in which they are asked."""
    found: dict[tuple[str, str, int], Deployment] = {}
    for each in router.catalog.deployments.values():
        found.setdefault((each.provider, each.model, each.key), each)
    return sorted(found.values(), key=lambda each: (each.priority, each.rank))


async def examine(router: Router, timeout: float, tell: Callable[[Finding], None]) -> list[Finding]:
    """Ask every deployment of a Router that has a configuration.

    timeout: seconds for one answer. tell: called with each finding as it comes.
    """
    slots = asyncio.Semaphore(AT_ONCE)
    await _warm_up()

    async def one(deployment: Deployment) -> Finding:
        async with slots:
            finding = await _ask(router, deployment, timeout)
        tell(finding)
        return finding

    return list(await asyncio.gather(*(one(each) for each in distinct_deployments(router))))


def not_asked(config: Config) -> list[Finding]:
    """The providers and keys that are not in use, and what would change that."""
    found: list[Finding] = []
    for provider in config.by_priority:
        models = ", ".join(model.name for model in provider.models)
        if not provider.enabled:
            advice = "Remove enabled: false to use it."
            found.append(Finding(provider.name, provider.name, models, "off", advice=advice))
            continue
        missing = [(name, provider.name) for name in provider.missing]
        if provider.needs_key:
            unset = [(key.variable, number) for number, key in enumerate(provider.keys, 1) if key.secret is None]
            several = len(provider.keys) > 1
            names = (
                (variable, f"{provider.name}#{number}" if several else provider.name) for variable, number in unset
            )
            missing += [(variable, name) for variable, name in names if variable is not None]
        for variable, name in missing:
            advice = f"Set {variable}: router-config env{_page(provider)}."
            found.append(Finding(name, provider.name, models, "unconfigured", variable, advice=advice))
    return found


async def _ask(router: Router, deployment: Deployment, timeout: float) -> Finding:
    before = await _candidate(router, deployment)
    started = time.monotonic()
    try:
        await _request(router, deployment, timeout)
    except NoProviderAvailable as error:
        return _refused(router, deployment, error)
    except (litellm.exceptions.OpenAIError, litellm.exceptions.APIConnectionError) as error:
        advice = "The request was refused for what it is; see litellm_params of this model."
        if (why := why_unsent(error)) != type(error).__name__:
            advice = "Set what is missing in the environment, in .env, or in litellm_params of this model."
            return _failed(router, deployment, "bad_request", f"nothing was sent: {why}", advice)
        return _failed(router, deployment, "bad_request", str(error).partition("Traceback (")[0].strip(), advice)
    seconds = time.monotonic() - started
    unavailable = before["status"] in ("disabled", "cooldown", "probing", "exhausted", "rate_limited", "paced")
    if unavailable:
        await router.end_cooldowns(deployment.id)
    return Finding(
        deployment.id,
        deployment.provider,
        deployment.model,
        "ok",
        _variable(router, deployment),
        seconds,
        _limits(deployment, await _candidate(router, deployment)),
        revived=unavailable,
    )


async def _request(router: Router, deployment: Deployment, timeout: float) -> None:
    model = deployment.litellm_provider, deployment.model
    if price_list.is_embedding(price_list.listed([model])[model]):
        await router.aembedding(model=deployment.id, input=["OK"], timeout=timeout, ignore_cooldowns=True, max_wait=0)
        return
    await router.acompletion(
        model=deployment.id,
        messages=QUESTION,
        max_tokens=ANSWER_TOKENS,
        timeout=timeout,
        ignore_cooldowns=True,
        max_wait=0,
    )


async def _warm_up() -> None:
    """LiteLLM loads much of itself at its first call, which would pass for a provider's latency."""
    await litellm.acompletion(model="openai/gpt-4o-mini", messages=QUESTION, mock_response="OK")


async def _candidate(router: Router, deployment: Deployment) -> dict[str, Any]:
    """The deployment as `explain` shows it."""
    explained = await router.aexplain(deployment.id, tokens=ANSWER_TOKENS)
    found: dict[str, Any] = explained["providers"][0]["candidates"][0]
    return found


def _limits(deployment: Deployment, candidate: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of several limits of one name, the one with the least room."""
    configured = {(meter.scope, limit.name): limit.value for meter in deployment.meters for limit in meter.limits}
    found: dict[str, dict[str, Any]] = {}
    for gate in candidate["gates"]:
        name, limit = gate["name"], gate["limit"]
        left = max(0, limit - gate["used"] - gate["reserved"])
        source = "config" if configured.get((gate["scope"], name)) == limit else "upstream"
        if name not in found or left < found[name]["remaining"]:
            found[name] = {"limit": limit, "remaining": left, "source": source}
    return found


def _refused(router: Router, deployment: Deployment, error: NoProviderAvailable) -> Finding:
    verdict = error.verdicts[deployment.provider]
    until = f" until {verdict.until}" if verdict.until else ""
    if not error.attempts or error.attempts[-1].outcome in LIMITED:
        return _failed(router, deployment, "rate_limit", f"No room{until}: {verdict.reason}", None, "limited")
    kind = error.attempts[-1].outcome
    return _failed(router, deployment, kind, verdict.reason, _advice(_provider(router, deployment), deployment, kind))


def _failed(
    router: Router, deployment: Deployment, kind: str, problem: str, advice: str | None, state: State = "failed"
) -> Finding:
    config = router.config
    secrets = () if config is None else _secrets(config)
    return Finding(
        deployment.id,
        deployment.provider,
        deployment.model,
        state,
        _variable(router, deployment),
        kind=kind,
        problem=redact(problem, secrets),
        advice=advice,
    )


def _advice(provider: Provider | None, deployment: Deployment, kind: str) -> str | None:
    """What a person can do, besides what the problem's own words say."""
    if kind == "model_gone":
        found = () if provider is None else successors(provider, deployment.model)
        if found:
            return f"Use {found[0]} in its place."
        return f"`router-config models {deployment.provider}` shows what it serves."
    if kind == "bad_key" and provider is not None:
        return f"Set another key: router-config env{_page(provider)}."
    if kind == "connection":
        address = "api_base" if provider is not None and provider.api_base else "the network"
        return f"Check {address}, and that the server is running."
    return None


def _page(provider: Provider) -> str:
    preset = preset_of(provider.name, provider.litellm_provider)
    return f" (keys: {preset.key_page})" if preset is not None and preset.key_page else ""


def _provider(router: Router, deployment: Deployment) -> Provider | None:
    providers: Iterable[Provider] = () if router.config is None else router.config.providers
    return next((each for each in providers if each.name == deployment.provider), None)


def _variable(router: Router, deployment: Deployment) -> str | None:
    provider = _provider(router, deployment)
    return None if provider is None else provider.keys[deployment.key - 1].variable


def _secrets(config: Config) -> list[str]:
    keys = (key for provider in config.providers for key in provider.keys)
    return [key.secret.get_secret_value() for key in keys if key.secret is not None]
