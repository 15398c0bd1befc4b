"""The limits that providers report at this moment, beside those of the file: for `router-config check --live`."""

from collections.abc import Iterator
from typing import Any

from router_config import Router
from router_config.cli.health_check import examine
from router_config.deployments.limit_changes import changes_of
from router_config.status.changed_limits import limit_change


async def ask_all(path: str, timeout: float) -> dict[str, Any]:
    """One tiny request to each key and model. timeout: seconds for one answer.

    `limits_changed` has what was reported just now, too: its `since` is None until it was reported for a while.
    """
    router = Router.from_yaml(path, watch=False)
    try:
        findings = await examine(router, timeout, lambda finding: None)
        await router.astatus()  # What other processes have heard.
        answered = sum(each.state == "ok" for each in findings)
        return {"asked": len(findings), "answered": answered, "limits_changed": list(_changed(router))}
    finally:
        await router.aclose()


def _changed(router: Router) -> Iterator[dict[str, Any]]:
    deployments = router.catalog.deployments.values()
    for provider in dict.fromkeys(each.provider for each in sorted(deployments, key=lambda each: each.priority)):
        steady = set(changes_of(_of(router, provider), router.learned.limits(provider)))
        for each in changes_of(_of(router, provider), router.learned.latest_limits(provider)):
            known = {} if each in steady else {"since": None}
            yield {"provider": provider, **limit_change(each), **known}


def _of(router: Router, provider: str) -> list[Any]:
    return [each for each in router.catalog.deployments.values() if each.provider == provider]
