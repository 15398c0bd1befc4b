"""`router_config.adapters` and `router_config.monitoring`: ours under any circumstances, and there once."""

import subprocess
import sys
from pathlib import Path

import pytest
from rig_cli import environment


def python(folder: Path, code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("first", ["adapters", "router_config.adapters"])
def test_both_names_are_one_module(tmp_path: Path, first: str) -> None:
    code = f"""
import importlib, pickle, sys
importlib.import_module({first!r})
import adapters, router_config.adapters, adapters.base_agent, router_config.adapters.base_agent, monitoring.console
from router_config import adapters as third, monitoring as watched
assert adapters is router_config.adapters is third
assert adapters.BaseAgent is router_config.adapters.BaseAgent
assert sys.modules["adapters.base_agent"] is sys.modules["router_config.adapters.base_agent"]
assert adapters.base_agent.__spec__.name == adapters.base_agent.__name__ == "adapters.base_agent"
assert pickle.loads(pickle.dumps(adapters.BaseAgent)) is third.BaseAgent
assert watched is sys.modules["monitoring"] and watched.router_for.__module__ == "monitoring.api"
importlib.reload(router_config.adapters.base_agent)
"""
    python(tmp_path, code)


def test_an_application_may_have_packages_of_these_names(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "__init__.py").write_text("theirs = 1\n")
    (tmp_path / "monitoring.py").write_text("theirs = 2\n")
    code = """
import sys
sys.path.insert(0, ".")
import adapters, monitoring
from router_config.adapters import BaseAgent, use_router
from router_config import monitoring as ours
import router_config.monitoring.console, router_config.adapters.structured
assert (adapters.theirs, monitoring.theirs) == (1, 2)
assert BaseAgent.__module__ == "router_config.adapters.base_agent"
assert ours.sub_app_for.__module__ == "router_config.monitoring.api"
from router_config.monitoring.demo.agents import agents
assert not [name for name in sys.modules if name.startswith(("adapters.", "monitoring."))]
"""
    python(tmp_path, code)


def test_importing_the_package_imports_neither(tmp_path: Path) -> None:
    code = "import sys, router_config; print(sorted({'adapters', 'monitoring'} & set(sys.modules)))"
    assert python(tmp_path, code) == "[]\n"
