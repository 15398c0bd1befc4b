"""A deployment is the same whether it comes from the configuration or from LiteLLM's model list."""

import dataclasses

from rig import MakeRouter

from router_config.deployments.deployment import deployments_of


def test_the_model_list_carries_everything_that_the_ledger_counts_by(make_router: MakeRouter) -> None:
    models = [{"name": "gemini-1.5-flash", "limits": {"rpm": 5, "tpm": "250k"}, "groups": ["default", "fast"]}, "other"]
    router = make_router(providers={"gemini": {"models": models, "day": {"timezone": "America/Los_Angeles"}}})
    assert router.config is not None
    from_config = {each.id: each for each in deployments_of(router.config)}
    from_model_list = router.catalog.deployments
    assert set(from_config) == {name for name in from_model_list if "@" not in name}
    for name, deployment in from_config.items():
        theirs = dataclasses.replace(from_model_list[name], groups=deployment.groups, price=deployment.price)
        assert theirs == deployment
    assert from_model_list["gemini/gemini-1.5-flash#1@fast"].meters == from_config["gemini/gemini-1.5-flash#1"].meters
