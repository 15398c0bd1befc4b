"""The recorded errors that the simulator ships, by LiteLLM's name of the provider and the fixture's name."""

from router_config.simulator import PROVIDERS
from router_config.simulator.fixtures import fixtures

RECORDED = {{"together": "together_ai"}.get(name, name): fixtures(name) for name in PROVIDERS}
