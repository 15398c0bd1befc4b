"""What `router-config plan` takes on the command line."""

import argparse

from router_config.cli.argument_types import (
    count,
    days,
    fault,
    first_day,
    loss,
    patience,
    seconds,
    span_of_history,
    times,
    timezone,
    whole,
)


def plan_arguments(command: argparse.ArgumentParser) -> None:
    asked = command.add_mutually_exclusive_group()
    asked.add_argument("--tokens-per-day", type=count, metavar="N", help="tokens of a day, such as 1M")
    asked.add_argument(
        "--replay",
        type=span_of_history,
        metavar="7d",
        help="the requests of this router's own last days, again and again (60d at most)",
    )
    asked.add_argument("--requests-per-hour", type=count, metavar="N", help="requests of an hour, at all hours")
    command.add_argument(
        "-t", "--tokens", type=count, default=1000, metavar="N", help="of a request, half prompt, half answer (1000)"
    )
    command.add_argument("--times", type=times, default=1.0, metavar="N", help="so many times the workload")
    command.add_argument("--days", type=days, default=90, metavar="N", help="how many (default: %(default)s)")
    command.add_argument("--from", dest="begins", type=first_day, metavar="DATE", help="the first day (default: today)")
    command.add_argument(
        "--timezone", type=timezone, default="UTC", metavar="ZONE", help="of the days told (default: %(default)s)"
    )
    command.add_argument(
        "--latency",
        type=seconds,
        metavar="SECONDS",
        help="until an answer is whole (default: as the last ones of each provider, else 2 s)",
    )
    command.add_argument(
        "--max-wait",
        type=patience,
        metavar="SECONDS",
        help="that a request may wait for room (default: as in the file)",
    )
    command.add_argument("--max", action="store_true", help="find the largest multiple of the workload that is served")
    command.add_argument("--all-keys", action="store_true", help="as if every provider had its key")
    command.add_argument("--add-key", action="append", metavar="PROVIDER", help="as if it had one key more; repeatable")
    command.add_argument("--add", action="append", metavar="PROVIDER", help="as if the file had it, too; repeatable")
    command.add_argument(
        "--fault",
        action="append",
        type=fault,
        metavar="WHAT",
        help='who fails, as "groq down 2h every 3d" (or 429s, timeouts; a model: groq/NAME; all); repeatable',
    )
    command.add_argument(
        "--faults",
        choices=("none", "observed"),
        default="none",
        help="observed: as often and as long as each provider failed by this router's own history (8 days at most)",
    )
    command.add_argument(
        "--lose", action="append", type=loss, metavar="WHO", help="who is gone, as gemini@day30; repeatable"
    )
    command.add_argument("--no-advice", dest="advice", action="store_false", help="do not look for what would help")
    command.add_argument("--seed", type=whole, default=1, metavar="N", help="of chance (default: %(default)s)")
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.add_argument(
        "--html", metavar="FILE", help="write a page with charts, which needs no server; - writes it to standard output"
    )
    shown.add_argument("--csv", action="store_true", help="print a row for each day and provider")
