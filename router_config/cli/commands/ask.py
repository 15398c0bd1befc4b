"""`router-config ask`: one request through the router; the answer on stdout, how it came on stderr."""

import argparse
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from router_config.cli.text import print_json
from router_config.config.grammar.rules import nearest
from router_config.config.loading import load_config
from router_config.config.models import Config, ConfigError

_PATIENCE = 2.0


def ask(arguments: argparse.Namespace) -> int:
    """Prints the answer, and on stderr which attempts it took; 1 when no provider could answer."""
    prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    if not prompt.strip():
        raise ConfigError('router-config ask: the question is empty\n  Write router-config ask "What is ...?"')
    config = load_config(arguments.config)
    group_of(config, arguments.group)
    if not any(provider.configured and provider.enabled for provider in config.providers):
        print(
            f"No provider of {arguments.config} has a key.\n  Set one with router-config env.",
            file=sys.stderr,
        )
        return 1
    messages = [{"role": "user", "content": prompt}]
    if arguments.system:
        messages.insert(0, {"role": "system", "content": arguments.system})
    stream = arguments.stream if arguments.stream is not None else sys.stdout.isatty()
    return _answer(arguments, messages, stream=stream and not arguments.json)


def group_of(config: Config, name: str) -> str:
    """The group that a name means. Raises ConfigError for one that is neither a group nor an alias."""
    group = config.group_of(name)
    if group is not None:
        return group
    names = {*config.groups, *config.aliases}
    near = nearest(name, names)
    meant = f"Did you mean {near}?" if near else f"There are: {', '.join(sorted(names))}."
    raise ConfigError(f'{config.path}: no group or alias is called "{name[:60]}"\n  {meant}')


def _answer(arguments: argparse.Namespace, messages: list[dict[str, str]], *, stream: bool) -> int:
    started = time.monotonic()
    with _Progress() as progress:
        import litellm
        import openai

        from router_config import NoProviderAvailable, Router, route_of

        litellm.suppress_debug_info = True
        router = Router.from_yaml(arguments.config)
        try:
            reply = router.completion(model=arguments.group, messages=messages, stream=stream)
            text = _printed(reply, progress.done) if stream else (reply.choices[0].message.content or "")
            progress.done()
            route = route_of(reply)
        except NoProviderAvailable as none:
            progress.done()
            _print_refusal(none, arguments)
            return 1
        except openai.OpenAIError as error:  # what all of LiteLLM's own are
            progress.done()
            print(f"{type(error).__name__}: {str(error).splitlines()[0][:300]}", file=sys.stderr)
            return 1
        finally:
            router.close()
    seconds = time.monotonic() - started
    if arguments.json:
        attempts = [{**each._asdict(), "seconds": round(each.seconds, 3)} for each in route.attempts]
        print_json(
            {
                "answer": text,
                "provider": route.provider,
                "model": route.model,
                "seconds": round(seconds, 3),
                "attempts": attempts,
            }
        )
        return 0
    print("" if stream else text, flush=True)
    for each in route.attempts:
        print(f"  {each.provider} {each.model}: {each.outcome}, {each.seconds:.2f} s", file=sys.stderr)
    print(f"{route.provider} {route.model}, {len(route.attempts)} attempt(s), {seconds:.1f} s", file=sys.stderr)
    return 0


def _printed(reply: Any, begun: Callable[[], None]) -> str:
    parts = []
    for chunk in reply:
        part = (chunk.choices[0].delta.content or "") if chunk.choices else ""
        if part:
            begun()
            print(part, end="", flush=True)
            parts.append(part)
    return "".join(parts)


def _print_refusal(refusal: Any, arguments: argparse.Namespace) -> None:
    verdicts = {name: asdict(verdict) for name, verdict in refusal.verdicts.items()}
    if arguments.json:
        print_json({"answer": None, "retry_after": refusal.retry_after, "verdicts": verdicts})
        return
    waiting = refusal.retry_after
    when = "waiting will not help" if waiting is None else f"try again in {waiting:.0f} s"
    print(f"No provider can serve this now; {when}.", file=sys.stderr)
    for name, verdict in verdicts.items():
        until = f" until {verdict['until']}" if verdict["until"] else ""
        print(f"  {name}: {verdict['status']}{until}: {verdict['reason']}", file=sys.stderr)


class _Progress:
    """Says on stderr that something is under way, once it has taken two seconds."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_Progress":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done()

    def done(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        interactive = sys.stderr.isatty()
        if self._done.wait(_PATIENCE):
            return
        if not interactive:
            print("waiting for an answer ...", file=sys.stderr, flush=True)
            return
        while not self._done.wait(0.5):
            print(
                f"\rwaiting for an answer ... {time.monotonic() - started:.0f} s",
                end="",
                file=sys.stderr,
                flush=True,
            )
        print("\r\033[K", end="", file=sys.stderr, flush=True)
