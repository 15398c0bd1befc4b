"""The JSON of plans as types, for the OpenAPI schema and for what a page asks."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from router_config.planner.question import MOST_DAYS

Number = int | float


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlanRequest(BaseModel):
    """A workload. Without `tokens_per_day` and `requests_per_hour` it is the file's, or what was asked before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens_per_day: Annotated[float, Field(gt=0, le=1e12)] | None = None
    requests_per_hour: Annotated[float, Field(gt=0, le=1e9)] | None = None
    tokens: int = Field(1000, ge=1, le=100_000_000, description="of a request, half prompt and half answer")
    replay: str | None = Field(None, max_length=20, description="what was asked in the time before, such as `7d`")
    days: int = Field(90, ge=1, le=MOST_DAYS)
    timezone: str = Field("UTC", max_length=64, description="of the days told, such as Europe/Zurich")


class PlannedProvider(_Document):
    """What a provider serves in some time."""

    name: str
    share: Number = Field(description="of all tokens that are asked for, from 0 to 1")
    requests: int
    tokens: int
    cost_usd: Number
    full_seconds: int = Field(description="for which requests found no room there")
    full_since: str | None = Field(description="when they first did, UTC")
    binding: str | None = Field(description="the limit that was most often in the way then")
    failed_attempts: int = Field(description="that it did not answer")


class Obstacle(_Document):
    """What keeps requests of a class out."""

    provider: str
    limit: str
    status: str = Field(description="kept: what is left is kept for other classes; share_used: of the class; ...")


class PlannedClass(_Document):
    """What becomes of the requests of a class of agents in some time."""

    name: str
    served: Number = Field(description="share of its tokens")
    requests: int = Field(description="asked for; the same of tokens")
    tokens: int
    unserved_requests: int
    unserved_tokens: int
    unserved_since: str | None
    obstacle: Obstacle | None = Field(description="most often in the way; null: all are served")
    told: str | None = Field(description="the obstacle in words")


class PlannedDay(_Document):
    """A day. Hours count from its midnight on; where clocks go back there are 25."""

    date: str
    begins_at: str
    served: Number = Field(description="share of the tokens")
    requests: int
    tokens: int
    unserved_requests: int
    unserved_tokens: int
    unserved_since: str | None
    requests_by_hour: list[int]
    unserved_by_hour: list[int]
    dark_seconds: int = Field(description="for which nobody had room")
    needless_failures: int = Field(description="requests that were not served though somebody could")
    providers: list[PlannedProvider]
    classes: list[PlannedClass] | None = Field(None, description="only where the file has classes")


class PlannedWeek(_Document):
    """Requests by hour of the week over all days, 168 numbers, the first of Monday's first hour in `timezone`."""

    requests: list[int]
    unserved: list[int]


class Waits(_Document):
    """Seconds for which half, and 95 %, of the requests served waited for room at most."""

    p50: Number
    p95: Number


class Binding(_Document):
    """A provider's limit."""

    provider: str
    limit: str


class WorstHour(_Document):
    """The hour in which the most requests were not served."""

    begins: str
    unserved: int
    requests: int


class Fallback(_Document):
    """What a paid provider would cost."""

    provider: str
    usd_per_month: Number


class PlanAnswer(_Document):
    """A plan, as `router-config plan --json` prints it; and when it was made, and for what."""

    answer: bool = Field(description="whether it is served to 99.9 %")
    told: str = Field(description="the answer in words")
    remarks: list[str]
    served: Number
    requests: int
    tokens: int
    tokens_per_day: int
    usd_per_month: Number
    dark_seconds: int = Field(description="for which nobody had room")
    wasted_attempts: int = Field(description="at providers that failed")
    needless_failures: int = Field(description="requests that were not served though somebody could")
    wait_seconds: Waits
    binding: Binding | None = Field(description="the limit that keeps requests out; null: all are served")
    unserved_since: str | None
    worst_hour: WorstHour | None = Field(description="null: all are served")
    fallback: Fallback | None = Field(description="a paid provider for what is not served")
    worst_day: str
    advice: list[str] = Field(description="what would help, the best first")
    timezone: str
    left_out: dict[str, str] = Field(description="providers that are never asked, each with the reason")
    providers: list[PlannedProvider]
    classes: list[PlannedClass] | None = Field(None, description="only where the file has classes")
    days: list[PlannedDay]
    week: PlannedWeek
    asked: str = Field(description="the workload in words")
    made_at: str
    seconds: Number = Field(description="that it took")
    simulated: bool


class PlanInTheMaking(_Document):
    """A plan that is being made."""

    asked: str
    days: int
    progress: Number = Field(description="from 0 to 1; then what would help is looked for")
    started_at: str


class PlanState(_Document):
    """The last plan that this process has made, and the one that it makes."""

    making: PlanInTheMaking | None
    last: PlanAnswer | None = None
