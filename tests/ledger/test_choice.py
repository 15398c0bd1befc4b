"""Choosing and explaining say the same of a deployment: one looks at limits shortly, the other at each."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from rig_ledger import START, Place

from router_config.ledger.rules.choice import standing
from router_config.ledger.rules.examinations import examine_all
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import LIMITS, Amount, Counts, Limit, Meter, ObservedLimit, Part
from router_config.ledger.rules.pacing import Expected

_few = st.integers(0, 9)
_amounts = st.builds(Amount, _few, _few, _few.map(float))
_limits = st.lists(
    st.builds(Limit, st.sampled_from(list(LIMITS)), st.integers(0, 50), st.one_of(st.just(float("inf")), _few)),
    max_size=4,
    unique_by=lambda limit: limit.name,
).map(tuple)
_observed = st.dictionaries(
    st.sampled_from(list(LIMITS)),
    st.builds(ObservedLimit, _few, _few, st.just(START), st.just(START), st.just(START + 60)),
)
_counts = st.builds(Counts, _amounts, _amounts, _amounts, st.one_of(st.just({}), _observed))


class Kept:
    """A book with these counts for every meter, and no cooldowns."""

    expected = Expected()

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def counts(self, meter: Meter) -> Counts | None:
        return self._counts

    @property
    def any_cooldown(self) -> bool:
        return False

    def cooldown_of(self, scope: str) -> Cooldown | None:
        return None

    def clears_at(self, meter: Meter, limit: Limit, room: float, without: Sequence[str] = ()) -> float:
        return START


@settings(max_examples=300)
@given(
    account=_limits,
    own=_limits,
    of_input=_limits,
    counts=_counts,
    tokens=_few,
    prompt=st.integers(0, 60),
    price=_few,
    pace=st.booleans(),
)
def test_choosing_finds_what_explaining_says(
    account: tuple[Limit, ...],
    own: tuple[Limit, ...],
    of_input: tuple[Limit, ...],
    counts: Counts,
    tokens: int,
    prompt: int,
    price: int,
    pace: bool,
) -> None:
    parts: tuple[tuple[Part, tuple[Limit, ...]], ...] = (("input", of_input),) if of_input else ()
    place = Place("groq", account, own=own, price=float(price), parts=parts, pace=pace)
    need, book = Need(prompt + tokens, prompt), Kept(counts)
    (examined,) = examine_all([place], need, book, START)
    said = {gate.status for gate in examined.gates} - {"available"}
    found = standing(place, need, book, START)
    assert (found == "available") == (not said)
    assert found == "available" or found in said
    assert (found == "soft_limited") == (said == {"soft_limited"})
