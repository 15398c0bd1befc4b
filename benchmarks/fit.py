"""Requests that a model cannot do: how many reach one, before and after that is learned, and what it costs to know.

Five unlike providers, each of which refuses what its model cannot do in words of its own kind of server; a mix of 30 %
tools, 10 % images and 10 % long prompts. Run it with

    python -m benchmarks.fit

The cost is CPU time of this process, with 300 candidates: whether each fits, of a plain chat and of one with tools.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import yaml
from litellm.exceptions import BadRequestError

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.deployments.abilities import BIT, Needs
from router_config.ledger.rules.gates import Need
from router_config.routing.refusals import OF_THE_REQUEST
from router_config.simulator import Simulator

START: Final = 1_795_435_200.0

TOOLS: Final = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
]
PICTURE: Final = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
LONG: Final = "word " * 30_000

IN_THE_REQUEST: Final = {"tools": '"tools"', "images": "image/png", "long": "word " * 1_000}
TELLING_GEMINI: Final = {"tools": "function_declarations", "images": "inline_data", "long": "word " * 1_000}

LACKS: Final[dict[str, dict[str, str]]] = {
    "groq": {
        "images": "messages[0].content must be a string",
        "long": "Please reduce the length of the messages or completion.",
    },
    "gemini": {"tools": "Function calling is not enabled for models/gemma-3-27b-it"},
    "openrouter": {"tools": "No endpoints found that support tool use. Try disabling weather."},
    "together": {
        "images": "This model is not a multimodal model",
        "long": "This model's maximum context length is 32769 tokens. However, you requested 40012 tokens.",
    },
    "openai": {},
}
"""What the models cannot do, in the words of five kinds of servers."""

LIMITS: Final = {"rpm": 8}


def have_lacks(simulator: Simulator) -> None:
    """Have each provider refuse what its model cannot do."""
    for provider, lacks in LACKS.items():
        for kind, words in lacks.items():
            telling = TELLING_GEMINI if provider == "gemini" else IN_THE_REQUEST
            body = {"error": {"message": words, "type": "invalid_request_error"}}
            simulator.fault(provider, status=400, body=body, text=telling[kind])


def file_of(simulator: Simulator, folder: Path) -> Path:
    providers = {
        name: {
            "priority": place,
            "api_base": simulator.api_base(name),
            "limits": LIMITS,
            "models": [f"model-of-{name}"],
        }
        for place, name in enumerate(LACKS, 1)
    }
    path = folder / "litellm.yaml"
    path.write_text(
        yaml.safe_dump({"version": 1, "state": f"sqlite:///{folder / 'state.db'}", "providers": providers}), "utf-8"
    )
    return path


def request_of(kind: str, number: int) -> dict[str, Any]:
    text = f"Question {number}: {LONG if kind == 'long' else 'buy or sell?'}"
    content: Any = [{"type": "text", "text": text}, PICTURE] if kind == "images" else text
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "max_tokens": 20}
    return {**asked, "tools": TOOLS} if kind == "tools" else asked


async def run(router: Router, clock: VirtualClock, simulator: Simulator, requests: int, seed: int) -> dict[str, Any]:
    chance, served, refused, possible = random.Random(seed), Counter[str](), Counter[str](), Counter[str]()
    errors = Counter[str]()
    for number in range(requests):
        kind = chance.choices(("plain", "tools", "images", "long"), (50, 30, 10, 10))[0]
        clock.advance(4.0)
        possible[kind] += 1
        try:
            reply = await router.acompletion(model="default", **request_of(kind, number))
        except (BadRequestError, NoProviderAvailable) as error:
            errors[type(error).__name__] += 1
            continue
        served[kind] += 1
        for attempt in reply._hidden_params["route"].attempts:
            if attempt.outcome in OF_THE_REQUEST:
                refused[f"{attempt.provider} {attempt.outcome} {kind}"] += 1
        if number and number % max(1, requests // 5) == 0 and sys.stderr.isatty():
            print(f"{number} of {requests}", file=sys.stderr)
    return {
        "asked": dict(possible),
        "served": dict(served),
        "share_served": sum(served.values()) / requests,
        "refused_for_unfitness": dict(refused),
        "errors": dict(errors),
    }


def cost(router: Router, rounds: int) -> dict[str, float]:
    """Microseconds of CPU: a plain chat with everything that is known, and a candidate of a request with tools."""
    group, now = router.catalog.groups["default"], START
    fit, need = router._fit, Need(120, 20)
    candidates = len(group.deployments)
    found = {}
    for name, needs in (
        ("plain chat", Needs(0, 100, True)),
        ("with tools, a candidate", Needs(BIT["tools"], 100, True)),
    ):
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            for _ in range(rounds):
                fit.misfits(group, needs, need, now)
            best = min(best, (time.process_time() - began) / rounds)
        found[name] = best * 1e6 / (1 if name == "plain chat" else candidates)
    return found


def many(folder: Path) -> Router:
    """300 candidates, half of which are known to lack tools."""
    models = [{"name": f"m{number}", "supports": {"tools": bool(number % 2)}} for number in range(30)]
    providers = {
        f"p{number}": {"api_base": "http://127.0.0.1:9/v1", "litellm_provider": "openai", "models": models}
        for number in range(10)
    }
    path = folder / "many.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "state": "memory://", "providers": providers}), "utf-8")
    return Router.from_yaml(path, env={}, watch=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400, help="of each run (default: 400)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    clock = VirtualClock(START)
    with tempfile.TemporaryDirectory() as folder, Simulator(clock=clock.now) as simulator:
        have_lacks(simulator)
        path = file_of(simulator, Path(folder))
        result: dict[str, Any] = {"models_that_lack_something": sum(map(len, LACKS.values()))}
        for name in ("first", "after a restart"):
            router = Router.from_yaml(path, env=simulator.env(), clock=clock, watch=False)
            result[name] = asyncio.run(run(router, clock, simulator, arguments.requests, arguments.seed))
            router.close()
            clock.advance(120)
        router = many(Path(folder))
        result["microseconds"] = cost(router, 200)
        router.close()
    print(json.dumps(result, indent=2))
    learned = sum(result["first"]["refused_for_unfitness"].values()) <= result["models_that_lack_something"]
    fine = learned and not result["after a restart"]["refused_for_unfitness"]
    shares = min(result["first"]["share_served"], result["after a restart"]["share_served"]) >= 0.99
    return 0 if fine and shares and result["microseconds"]["with tools, a candidate"] <= 5 else 1


if __name__ == "__main__":
    sys.exit(main())
