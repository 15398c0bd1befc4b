"""`limits`, `day`, `week` and `month` of litellm.yaml, as a person writes them."""

from dataclasses import dataclass

from router_config.config.grammar.quantities import day_of_month, window_length
from router_config.config.grammar.rules import Entry, ListOf, Scalar, Section
from router_config.config.grammar.scalars import one_of, timezone
from router_config.config.models import DayWindow, Limits, Month, OddLimit, Week
from router_config.config.sections.numbers import COUNT, DURATION, MONEY


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDay:
    window: DayWindow | None = None
    timezone: str | None = None


ODD_LIMIT = Section(
    OddLimit,
    {
        "per": Entry(Scalar(window_length, DURATION.json), "Length of the window, 1s to 31d.", needed="Write per: 5h."),
        "max": Entry(COUNT, "How many in any window of that length.", needed="Write max: 200."),
    },
    hint="Write {per: 5h, max: 200}, or a list of such.",
)
_ODD_LIMITS = ListOf(ODD_LIMIT, "Write {per: 5h, max: 200}, or a list of such.", "window", single=True)

LIMITS = Section(
    Limits,
    {
        "rpm": Entry(COUNT, "Requests per minute."),
        "tpm": Entry(COUNT, "Tokens per minute."),
        "rpd": Entry(COUNT, "Requests per day."),
        "tpd": Entry(COUNT, "Tokens per day."),
        "usd_per_day": Entry(MONEY, "Dollars per day."),
        "rph": Entry(COUNT, "Requests per hour."),
        "tph": Entry(COUNT, "Tokens per hour."),
        "rpw": Entry(COUNT, "Requests per week."),
        "tpw": Entry(COUNT, "Tokens per week."),
        "rpmo": Entry(COUNT, "Requests per month."),
        "tpmo": Entry(COUNT, "Tokens per month."),
        "usd_per_month": Entry(MONEY, "Dollars per month."),
        "parallel": Entry(COUNT, "Requests at a time."),
        "itpm": Entry(COUNT, "Input tokens per minute."),
        "otpm": Entry(COUNT, "Output tokens per minute."),
        "itpd": Entry(COUNT, "Input tokens per day."),
        "otpd": Entry(COUNT, "Output tokens per day."),
        "requests": Entry(_ODD_LIMITS, "Requests in a window of another length: {per: 5h, max: 200}, or a list."),
        "tokens": Entry(_ODD_LIMITS, "Tokens in a window of another length: {per: 5h, max: 1M}, or a list."),
    },
    hint="Write a mapping such as {rpm: 30, tpd: 100k}.",
    foreign={
        "requests_per_minute": "Write rpm.",
        "tokens_per_minute": "Write tpm.",
        "requests_per_day": "Write rpd.",
        "tokens_per_day": "Write tpd.",
        "requests_per_hour": "Write rph.",
        "tokens_per_hour": "Write tph.",
        "requests_per_week": "Write rpw.",
        "tokens_per_week": "Write tpw.",
        "requests_per_month": "Write rpmo.",
        "tokens_per_month": "Write tpmo.",
        "input_tokens_per_minute": "Write itpm.",
        "output_tokens_per_minute": "Write otpm.",
        "input_tokens_per_day": "Write itpd.",
        "output_tokens_per_day": "Write otpd.",
        "rps": "Write requests: {per: 1s, max: ...}.",
        "concurrency": "Write parallel.",
        "max_parallel_requests": "Write parallel.",
    },
)

DAY = Section(
    FileDay,
    {
        "window": Entry(one_of(rolling="the last 24 hours", calendar="from midnight"), "What a day is."),
        "timezone": Entry(
            Scalar(timezone, {"type": "string"}), "IANA timezone of calendar days, weeks and months; UTC when left out."
        ),
    },
    hint="Write {window: rolling}, or {window: calendar, timezone: UTC}.",
)

WEEK = Section(
    Week,
    {"window": Entry(one_of(rolling="the last seven days", calendar="from Monday"), "What a week is.")},
    hint="Write {window: rolling}, or {window: calendar}.",
)

MONTH = Section(
    Month,
    {
        "window": Entry(one_of(rolling="the last 31 days", calendar="from its day on"), "What a month is."),
        "day": Entry(
            Scalar(day_of_month, {"type": "integer", "minimum": 1, "maximum": 31}),
            "Day on which it begins, such as that of the subscription; the last one of a month that is too short.",
        ),
    },
    hint="Write {day: 14}, or {window: rolling}.",
)
