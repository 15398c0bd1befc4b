"""What `router-config` takes on the command line."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from router_config.cli.argument_types import abilities, port, seconds, whole
from router_config.cli.plan_arguments import plan_arguments

_FORMATTER = argparse.RawDescriptionHelpFormatter


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in two lines; usage in full is what --help is for."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n  See {self.prog} --help.\n")


class _Commands(_Parser):
    def error(self, message: str) -> NoReturn:
        known = [name for action in self._actions for name in action.choices or ()]
        tried = next((word for word in sys.argv[1:] if f"invalid choice: {word!r}" in message), None)
        if tried is not None:
            near = difflib.get_close_matches(tried, known, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"Commands: {', '.join(known)}."
            self.exit(2, f'{self.prog}: unknown command "{tried[:40]}"\n  {meant}\n')
        super().error(message)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"router-config {version('litellm-router-config')}")
        except PackageNotFoundError:
            print("router-config (not installed)")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; `command` in its result is the command's name."""
    top = _Commands(
        prog="router-config",
        description="One litellm.yaml for all providers: check it, set its keys, ask it, serve it, watch it.",
        epilog="A first tour:\n  router-config demo\n  router-config init\n  router-config env\n  router-config check\n"
        '  router-config ask "What is the capital of France?"',
        formatter_class=_FORMATTER,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    _file(top, default=os.environ.get("ROUTER_CONFIG", "").strip() or "litellm.yaml")
    add = _adder(top)

    init = add("init", "write a litellm.yaml to begin with; it overwrites nothing", "init", "init groq cerebras")
    init.add_argument(
        "providers", nargs="*", metavar="PROVIDER", help="default: those whose keys are set, else five with a free tier"
    )

    check = add(
        "check",
        "check the configuration",
        "check",
        "check other.yaml --strict",
        "check --verbose",
        "check --needs images,tools",
        "check --live",
    )
    check.add_argument("positional_file", nargs="?", metavar="FILE", help="the same as -c FILE")
    check.add_argument("--strict", action="store_true", help="warnings, too, end with exit code 1")
    check.add_argument(
        "--verbose",
        action="store_true",
        help="also what each model can do, and which way requests go through the LiteLLM that is installed",
    )
    check.add_argument(
        "--needs",
        type=abilities,
        default=(),
        metavar="NEEDS",
        help="also which models of each group can do requests that need this, such as images,tools",
    )
    check.add_argument(
        "--live",
        action="store_true",
        help="also ask each key and model one tiny question: which limits differ from those of the file",
    )
    _json(check)

    more = add(
        "add",
        "add a provider to litellm.yaml, with what is known of it",
        "add cerebras",
        "add mistral --key-stdin < key.txt",
    )
    more.add_argument("provider", metavar="PROVIDER", help="such as groq; a wrong name lists all")
    more.add_argument("--key-stdin", action="store_true", help="read its key from standard input into .env")

    less = add("remove", "remove a provider from litellm.yaml", "remove together")
    less.add_argument("provider", metavar="PROVIDER")

    change = add(
        "set",
        "set one value in litellm.yaml; comments and order stay",
        "set groq.limits.rpm 60",
        "set defaults.cooldown 10m",
        "set classes.trader.reserve 40%",
        "set gemini.models.gemini-3.5-flash.limits.rpd 50",
        "set groq.models '[openai/gpt-oss-120b, openai/gpt-oss-20b]'",
    )
    change.add_argument("path", metavar="PATH", help="names with dots between them; a provider's name may come first")
    change.add_argument("value", metavar="VALUE", help="as it stands in the file")

    diff = add(
        "diff",
        "show what a running process would change if it read the file now; 1 if anything",
        "diff",
        "diff --url http://10.0.0.5:8888",
        "diff other.yaml",
    )
    against = diff.add_mutually_exclusive_group()
    against.add_argument("other", nargs="?", metavar="OTHER", help="compare the file with this one; nobody is asked")
    against.add_argument(
        "--url",
        default="http://127.0.0.1:8888",
        help="where the process serves the status, with the prefix if there is one (default: %(default)s)",
    )
    _json(diff)

    models = add(
        "models",
        "ask each provider for its own list of models: what of the file is gone, what is new and free",
        "models",
        "models groq --refresh",
        "models --write",
        "models openrouter --add qwen/qwen3-coder:free",
        "models --json",
    )
    models.add_argument("providers", nargs="*", metavar="PROVIDER", help="default: all that are switched on")
    models.add_argument("--refresh", action="store_true", help="ask anew; lists are kept for a day")
    models.add_argument("--all", action="store_true", help="show every model that is new, not only what is free")
    models.add_argument(
        "--write", action="store_true", help="put successors in the place of the models that are gone, and nothing else"
    )
    models.add_argument("--add", metavar="NAME", help="write a model of the list into the file, below one PROVIDER")
    _json(models)

    _json(add("show", "print the configuration as it is understood", "show", "show --json"))

    env = add(
        "env",
        "set up .env: ask for the providers' keys, or show which are set",
        "env",
        "env --show",
        "env --from-env",
        "echo GROQ_API_KEY=... | router-config env --stdin",
    )
    source = env.add_mutually_exclusive_group()
    source.add_argument("--show", action="store_true", help="only show which providers are configured")
    source.add_argument("--from-env", action="store_true", help="copy the keys that are set in the environment")
    source.add_argument("--stdin", action="store_true", help="read lines of NAME=value (so it does without a terminal)")
    _json(env)

    add("schema", "print the JSON schema of litellm.yaml, for editors", "schema > litellm.schema.json")

    ask = add(
        "ask",
        "send one request through the router",
        'ask "What is the capital of France?"',
        'ask "Summarise this" --group fast --stream',
        "ask - < prompt.txt",
    )
    ask.add_argument("prompt", help="what to ask; - reads it from standard input")
    _group(ask)
    ask.add_argument("--system", metavar="TEXT", help="the system prompt")
    stream = ask.add_mutually_exclusive_group()
    stream.add_argument("--stream", action="store_true", default=None, help="print as it comes (so on a terminal)")
    stream.add_argument("--no-stream", dest="stream", action="store_false", help="print the answer when it is whole")
    _json(ask)

    doctor = add(
        "doctor",
        "send one tiny request to each key and model, and say what to do about those that fail",
        "doctor",
        "doctor --timeout 10s --json",
    )
    doctor.add_argument(
        "--timeout", type=seconds, metavar="SECONDS", help="for one answer (default: defaults.timeout of the file)"
    )
    _json(doctor)

    status = add("status", "show providers, limits and what is left", "status", "status --watch", "status --json")
    status.add_argument(
        "-w", "--watch", nargs="?", type=seconds, const=2.0, metavar="SECONDS", help="live, every 2 s; needs rich"
    )
    _json(status)

    explain = add(
        "explain",
        "show what would happen to a request: each limit, what blocks it, and until when",
        "explain",
        "explain --group fast --tokens 1500",
        "explain --needs tools,images",
        "explain --agent TradingAgent",
    )
    _group(explain)
    explain.add_argument(
        "-t", "--tokens", type=whole, default=1000, metavar="N", help="prompt and answer (default: %(default)s)"
    )
    explain.add_argument(
        "-n",
        "--needs",
        type=abilities,
        default=(),
        metavar="A,B",
        help="what it needs of a model, such as tools,images",
    )
    explain.add_argument("-a", "--agent", metavar="NAME", help="who asks: what is kept for other classes is not for it")
    _json(explain)

    plan_arguments(
        add(
            "plan",
            "say whether the providers last for a workload, day by day; 1 if they do not",
            "plan --tokens-per-day 1M",
            "plan --requests-per-hour 120 --tokens 1500 --days 30",
            "plan --replay 7d --times 3",
            "plan --tokens-per-day 1M --max --all-keys",
            "plan --tokens-per-day 2M --add-key groq --add cerebras --json",
            "plan --tokens-per-day 1M --html plan.html",
            'plan --fault "groq down 2h every 3d" --lose gemini@day30',
        )
    )

    forecast = add(
        "forecast",
        "say how long the room of each provider lasts; 1 if all together run out before a window ends",
        "forecast",
        "forecast --json",
        "forecast --backtest",
    )
    forecast.add_argument(
        "--backtest",
        action="store_true",
        help="hold past forecasts against what came; 1 if history is too short",
    )
    _json(forecast)

    serve = add("serve", "serve the dashboard and GET /api/llm-providers", "serve", "serve --host 0.0.0.0 --port 9000")
    _address(serve)
    serve.add_argument("--demo-without-keys", action="store_true", help="play the demo when no provider has a key")

    demo = add("demo", "five simulated providers, and agents asking them", "demo", "demo --seconds 60")
    _address(demo)
    demo.add_argument("--agents", type=whole, default=4, metavar="N", help="how many ask (default: %(default)s)")
    demo.add_argument("--seconds", type=seconds, metavar="N", help="end after so long (default: at Ctrl-C)")
    return top


def _adder(top: argparse.ArgumentParser) -> Callable[..., argparse.ArgumentParser]:
    """A function that adds a command: its name, what it is for, and examples."""
    commands = top.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True, parser_class=_Parser
    )

    def add(name: str, about: str, *examples: str) -> argparse.ArgumentParser:
        shown = [example if "router-config" in example else f"router-config {example}" for example in examples]
        command: argparse.ArgumentParser = commands.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            epilog="\n  ".join(["Examples:", *shown]),
            formatter_class=_FORMATTER,
        )
        _file(command, default=argparse.SUPPRESS)
        return command

    return add


def _file(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=default,
        help="default: $ROUTER_CONFIG or ./litellm.yaml",
    )


def _group(command: argparse.ArgumentParser) -> None:
    command.add_argument("-g", "--group", default="default", help="model group or alias (default: %(default)s)")


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")


def _address(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    command.add_argument("--insecure", action="store_true", help="listen to the network without a token")
    command.add_argument(
        "--port", type=port, default=8888, metavar="N", help="port to listen on (default: %(default)s)"
    )
