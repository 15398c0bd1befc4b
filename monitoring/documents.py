"""The JSON of the endpoints as types. They describe it in the OpenAPI schema; answers are not copied through them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router_config.ledger.rules.history import EventKind

Status = Literal[
    "available",
    "soft_limited",
    "rate_limited",
    "paced",
    "cooldown",
    "probing",
    "exhausted",
    "disabled",
    "unconfigured",
]
LimitName = Annotated[str, Field(description="as in litellm.yaml; `requests_per_5h` for a window of another length")]
Number = int | float


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitState(_Document):
    """One window. Requests, tokens or dollars, as its name says."""

    limit: Number
    used: Number
    reserved: Number = Field(description="held for requests in flight")
    remaining: Number
    resets_at: str | None = Field(description="when nothing of what is used now counts any more, UTC")
    source: Literal["config", "upstream"] = Field(description="upstream: the provider reported less than we counted")


class State(_Document):
    """Whether a provider or model can be asked; why not, and until when."""

    status: Status
    reason: str | None
    available_at: str | None = Field(description="UTC; null when it is available, or nobody can tell")
    refused_since: str | None = Field(description="UTC; set while disabled: one request asks again at available_at")


class EstimateState(_Document):
    """How well the tokens of a model's prompts are estimated, by what its answers reported."""

    answers: int = Field(description="that reported their tokens")
    mean_error: Number = Field(description="of the last answers, as a share of what was counted")


class Retirement(_Document):
    """A model that its provider does not serve any more. It is asked again seldom, and comes back by itself."""

    since: str = Field(description="when an answer said so, UTC")
    successor: str | None = Field(description="the model to use in its place, where one is known")


class ModelState(State):
    """A model of a provider. Its limits are besides the account's."""

    name: str
    limits: dict[LimitName, LimitState]
    estimate: EstimateState | None = Field(description="null: no answer has reported its tokens yet")
    lacks: list[str] = Field(description="what it was seen to refuse, since when, and when it is asked again")
    retired: Retirement | None = Field(description="null: its provider serves it, for all that is known")
    answers_as: str | None = Field(description="the model that answers in its place; null: none does")
    instead_of: list[str] = Field(description="models of the file in whose place it answers; it is not in the file")
    first_token_ms: int | None = Field(None, description="of streams; only where its group measures speed")
    tokens_per_second: float | None = Field(None, description="of answers; only where its group measures speed")


class Usage(_Document):
    """Since the provider's day began."""

    requests: int
    tokens: int
    cost_usd: Number
    errors: int
    prompt_tokens: int = Field(description="of prompts, as the provider told them")
    cached_tokens: int = Field(description="of those, what it read from its cache")


class Latency(_Document):
    """Of the last answers, milliseconds."""

    p50: Number | None
    p95: Number | None


class LastError(_Document):
    """The provider's last failure."""

    at: str
    kind: str
    message: str


class CooldownState(_Document):
    """A cooldown, or a disabled key: of the whole provider, an account, a key, or a model of an account."""

    of: Literal["provider", "account", "key", "model"]
    status: Status
    reason: str
    since: str
    until: str | None = Field(description="UTC; null: nobody knows")
    then_probes: bool = Field(description="afterwards one single request tries it, before others follow")


class EndpointState(CooldownState):
    """A cooldown at one endpoint besides chats, which go on."""

    endpoint: str = Field(description="LiteLLM's function: embedding, image_generation and so on")
    model: str | None = Field(description="null: all models")


class LimitChange(_Document):
    """A limit that the provider reports steadily, and otherwise than the file has it."""

    scope: Literal["account", "model"]
    model: str | None = Field(description="null: of the account")
    limit: LimitName
    file: Number = Field(description="the file's")
    reported: Number = Field(description="the provider's; of a pool of keys the lowest")
    since: str = Field(description="from when on it was reported, UTC")
    seen: str = Field(description="when it was noted last, to the hour; UTC")
    source: Literal["headers", "429"] = Field(description="of answers, or in a refusal")
    in_force: bool = Field(description="a lower one is in force; a higher one where the file says `trust: upstream`")
    edit: str | None = Field(description="the command that writes it into the file; null where there is none")


class ProviderState(State):
    """A provider, in order of priority."""

    name: str
    priority: Number
    tier: Literal["free", "paid"]
    endpoints: list[EndpointState] = Field(description="what besides chats it is not asked for now")
    limits: dict[LimitName, LimitState] = Field(description="of the account: all its models together")
    usage_today: Usage
    latency_ms: Latency
    last_error: LastError | None
    models: list[ModelState]
    limits_changed: list[LimitChange] = Field(description="reported otherwise than the file has them")


class Configuration(_Document):
    """The file in force; `error`: why a newer one is not."""

    path: str | None
    loaded_at: str | None
    error: str | None


class Degraded(_Document):
    """Why the store cannot be used, and since when. Until it can, each process counts for itself."""

    reason: str
    since: str


class StoreState(_Document):
    """Where counts are kept; `shared`: other processes see them too. `degraded` is there while the store fails."""

    store: str
    shared: bool
    degraded: Degraded | None = None


class Moments(_Document):
    """When room ends, UTC: the early edge of the band, its middle, the late edge. null: not before its window does."""

    p10: str | None
    p50: str | None
    p90: str | None


class Amounts(_Document):
    """A band: less than p10 comes in one of ten cases, more than p90 in another."""

    p10: Number
    p50: Number
    p90: Number


class Expected(_Document):
    """What is expected to be used until the window ends; of a rolling one, in the next whole one."""

    tokens: Amounts
    requests: Amounts
    cost_usd: Amounts


class Forecast(_Document):
    """How long room lasts at the pace that is expected for the hours that come."""

    ends_at: str | None = Field(description="when the calendar's window does, UTC; the last one's; null: it is rolling")
    running_out: bool = Field(description="whether an event warned that it ends too early, and that still holds")
    exhausted: Moments
    expected: Expected


class LeftOfProvider(Forecast):
    """What the tightest limit of a provider leaves of a window."""

    limit: LimitName
    remaining: Number
    unit: Literal["tokens", "requests", "usd"]


class Left(Forecast):
    """What the limits of a kind of window leave, over all providers in use that have one."""

    tokens_remaining: int | None = Field(description="requests and dollars at their worth; null: nobody knows it yet")
    requests_remaining: int | None = Field(description="as long ones as today's; null: nobody knows yet how long")
    unlimited: list[str] = Field(description="providers in use without such a limit; they are not counted")
    exhausted_at: str | None = Field(
        description="when nothing of it is left by the middle of the forecast; null: not before the window ends"
    )
    binding: str | None = Field(description="the provider and limit that is the last to be used up, as `groq tpmo`")


class Capacity(_Document):
    """What is left today where a daily limit says so, in tokens; requests and dollars at their worth so far."""

    tokens_remaining_today: int | None
    unlimited: list[str] = Field(
        description="providers in use without a daily limit; the tokens left do not count them"
    )
    burn_tokens_per_hour: Number = Field(description="of the last hour")
    exhausted_at: str | None = Field(
        description="when nothing is left by the middle of the forecast; null: not before the day ends"
    )
    binding: str | None = Field(description="the provider and limit that is the last to be used up, as `groq tpd`")
    basis: Literal["profile", "last_hour"] = Field(
        description="profile: the hours of the week, as they were used; last_hour: under a day of history, a guess"
    )
    history_days: Number = Field(description="that the forecast is made of")
    windows: dict[Literal["day", "week", "month"], Left] = Field(
        description="the same by window, for those in which a provider in use has a limit"
    )
    providers: dict[str, dict[Literal["day", "week", "month"], LeftOfProvider]] = Field(
        description="the same of each provider in use, by the windows in which it has a limit"
    )


class ClassLimit(_Document):
    """A limit of a provider as a class of agents has it. Requests, tokens or dollars, as its name says."""

    kept: Number = Field(description="for the class now, and not used by it yet")
    used: Number = Field(description="by the class in this window")
    reserved: Number = Field(description="for its requests in flight")
    share: Number | None = Field(description="the most that it may use; null: all")
    released: bool = Field(description="whether what was kept for it is, or is partly, given to all for this window")


class ClassModel(_Document):
    """A model with limits of its own, as a class has them."""

    name: str
    limits: dict[LimitName, ClassLimit]


class ClassProvider(_Document):
    """A provider that a class may ask."""

    name: str
    reserve: Number = Field(description="share that is kept for the class there, from 0 to 1")
    limits: dict[LimitName, ClassLimit] = Field(description="of the account")
    models: list[ClassModel] = Field(description="those with limits of their own")


class ClassState(_Document):
    """A class of agents. Today: since midnight, UTC."""

    name: str
    agents: list[str] = Field(description="names, or patterns with *")
    reserve: Number = Field(description="share of each limit that is kept for it where a provider is not named apart")
    share: Number = Field(description="share of each limit that it may use")
    use: Literal["any", "leftover"]
    requests_today: int
    tokens_today: int
    cost_usd_today: Number
    refused_today: int = Field(description="requests that nobody had room for, or none that it may use")
    providers: list[ClassProvider]


class StatusDocument(_Document):
    """Everything, at one moment."""

    generated_at: str
    simulated: bool = Field(description="true: the providers are simulated, nothing here is real")
    fast_path: bool | None = Field(
        description="whether chats of this process go past LiteLLM's preparation; null where it asks no provider"
    )
    next: dict[str, str | None] = Field(description="per group, the provider that the next request would go to")
    config: Configuration
    state: StoreState
    providers: list[ProviderState]
    classes: list[ClassState] | None = Field(None, description="of agents; only where the configuration has some")
    capacity: Capacity


class Attempt(_Document):
    """One try of a request."""

    provider: str
    model: str
    outcome: str = Field(description="ok, or the kind of failure")
    seconds: Number


class Skipped(_Document):
    """A candidate that was not asked, and its status then."""

    provider: str
    model: str
    status: Literal[Status, "too_large", "unfit", "kept", "share_used"]
    reason: str | None = Field(description="what the request needs and it lacks, if that is why")


class Decision(_Document):
    """One request, from its arrival to its end."""

    number: int = Field(description="of the store: it rises by one with each request")
    at: str = Field(description="when it ended, UTC")
    agent: str | None = Field(description="who asked, from the request's metadata")
    agent_class: str | None = Field(None, alias="class", description="of agents; only where the file has classes")
    group: str
    provider: str | None = Field(description="who answered; null: nobody")
    model: str | None
    outcome: str = Field(description="ok, refused (nobody had room), cancelled, or the kind of the last failure")
    attempts: list[Attempt] = Field(description="in the order in which they were made")
    passed: list[Skipped] = Field(description="the first twelve candidates that were skipped")
    tokens: int | None
    estimated_tokens: int | None = Field(description="what was reserved at the one that answered")
    seconds: Number
    error: str | None
    stays: int | None = Field(None, description="which call of a tool loop it was that stayed with its model")


class DecisionList(_Document):
    """The last requests, newest first."""

    generated_at: str
    simulated: bool
    decisions: list[Decision]


class ProviderHistory(_Document):
    """A provider's usage, a number for each slot."""

    name: str
    requests: list[int]
    errors: list[int]
    tokens: list[int]
    cost_usd: list[Number]


class Event(_Document):
    """What happened to a provider."""

    at: str
    kind: EventKind
    provider: str
    reason: str
    until: str | None


class History(_Document):
    """Usage by slot, oldest first, and the last 200 events in that time."""

    generated_at: str
    simulated: bool
    hours: int
    slot_seconds: Literal[60, 300] = Field(description="60 for up to two hours")
    from_: str = Field(alias="from")
    to: str
    slots: list[str] = Field(description="when each slot began, UTC")
    providers: list[ProviderHistory] = Field(description="by priority; as many numbers as there are slots")
    events: list[Event]


class ExplainRequest(_Document):
    """A request that is not sent."""

    group: str = Field("default", min_length=1, max_length=200, description="a group, or an alias of one")
    tokens: int = Field(1000, ge=1, le=100_000_000, description="prompt and answer together")
    needs: list[str] = Field([], max_length=20, description="abilities that it needs: tools, images, json_schema, ...")
    agent: str | None = Field(None, max_length=100, description="who asks; where there are classes, its class counts")


class GateState(_Document):
    """One limit, by name, as the request would meet it."""

    name: LimitName
    scope: str
    status: Literal[Status, "too_large", "unfit", "kept", "share_used"]
    used: Number
    reserved: Number
    needed: Number
    limit: Number
    soft_limit: Number | None = Field(description="from here on others are preferred")
    paced: Number | None = Field(description="what of the limit is for the hours until now; null: all of it")
    kept: Number | None = Field(None, description="what of the limit is kept for other classes of agents")
    kept_for: list[str] | None = Field(None, description="for which")
    of_class: str | None = Field(None, alias="class", description="whose share the limit is, where it is one")
    blocks: bool
    clears_at: str | None


class CandidateEstimate(EstimateState):
    """What the deployment is expected to count for half of the tokens asked about, taken as a prompt."""

    prompt_tokens: int = Field(description="by our estimate")
    counted_tokens: int = Field(description="as this model counts, by what its answers reported")


class CandidateState(_Document):
    """One deployment that could serve the request. It is asked in its place; those of the same place share the load."""

    deployment: str
    model: str
    key: int
    place: int
    tier: Literal["free", "paid"]
    status: Literal[Status, "too_large", "unfit", "kept", "share_used"]
    reason: str | None
    clears_at: str | None
    lacks: list[str] = Field(description="the needs of the request that it does not meet, and how that is known")
    speed: str | None = Field(
        None, description="how soon it is expected to answer, where its group prefers the fastest"
    )
    rest: CooldownState | None
    probe_due: bool
    estimate: CandidateEstimate
    gates: list[GateState]
    endpoints: list[EndpointState] = Field(description="what besides chats it is not asked for now")


class Absence(_Document):
    """Why a provider cannot be asked as it is configured."""

    status: Literal["unconfigured", "disabled", "not_allowed"]
    reason: str


class ProviderCandidates(_Document):
    """A provider's candidates, in the order in which they would be asked; none where it is absent."""

    name: str
    absent: Absence | None
    candidates: list[CandidateState]


class Explanation(_Document):
    """What would happen to the request now, and who would serve it."""

    group: str
    tokens: int
    needs: list[str]
    agent: str | None = Field(None, description="who asks; only where the configuration has classes")
    agent_class: str | None = Field(None, alias="class", description="the agent's; only where there are classes")
    generated_at: str
    next: str | None = Field(description="the provider that would serve it")
    chosen: str | None = Field(description="the deployment that would serve it")
    clears_at: str | None = Field(description="where nobody would: when the first is expected to have room")
    waits_for_in_flight: bool = Field(
        description="where nobody would, and no time helps: whether the end of a request in flight does"
    )
    max_wait_seconds: Number
    waits: bool = Field(description="where nobody would: whether it would wait for room, or fail at once")
    providers: list[ProviderCandidates]


class Reload(_Document):
    """What reading the file changed, in words; warnings: what of the edit waits for a restart."""

    changes: list[str]
    warnings: list[str]


class Changes(Reload):
    """What reading the file would change."""

    path: str
    follows: bool = Field(description="whether edits count by themselves, within two seconds")


class Health(_Document):
    """The server answers."""

    status: Literal["ok"] = "ok"


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
