from hypothesis import given
from hypothesis import strategies as st

from router_config.simulator import ProviderLimits, Quota
from router_config.simulator.quotas.admission import Demand, Quotas
from router_config.simulator.quotas.peaks import PeakCounter

arrivals = st.lists(
    st.tuples(st.floats(0, 400), st.integers(0, 50), st.integers(0, 50), st.sampled_from("ab")), max_size=40
)


@given(arrivals)
def test_the_busiest_minute_is_that_of_a_naive_count(script: list[tuple[float, int, int, str]]) -> None:
    quotas = Quotas("groq", ProviderLimits(Quota(rpm=10, tpm=100)))
    counter = PeakCounter("groq")
    for at, prompt, completion, key in script:  # in any order: the clock may be set back
        counter.add(key, "m", at, Demand(prompt, prompt + completion), metered=True)

    def naive(weigh_tokens: bool) -> int:
        sums = [
            sum((p + c if weigh_tokens else 1) for a, p, c, k in script if k == key and at - 60 < a <= at)
            for at, _, _, key in script
        ]
        return max(sums, default=0)

    peak = counter.worst(quotas)
    assert (peak.requests, peak.tokens) == (naive(False), naive(True))
    assert peak.requests_ratio == (naive(False) / 10 if script else None)
    assert peak.tokens_ratio == (naive(True) / 100 if script else None)


def test_two_requests_a_minute_apart_are_not_in_one_minute() -> None:
    counter = PeakCounter("groq")
    for at in (0.0, 60.0):
        counter.add("groq#1", "m", at, Demand(1, 2), metered=True)
    assert counter.worst(Quotas("groq", ProviderLimits(Quota(rpm=1)))).requests == 1


def test_settled_tokens_replace_reserved_ones() -> None:
    counter = PeakCounter("groq")
    settle = counter.add("groq#1", "m", 0.0, Demand(10, 1000), metered=True)
    settle(Demand(10, 30))
    assert counter.worst(Quotas("groq", ProviderLimits())).tokens == 30


def test_a_model_over_its_own_limit_shows_in_the_ratio() -> None:
    limits = ProviderLimits(Quota(rpm=100), models={"m": Quota(rpm=1)})
    counter = PeakCounter("groq")
    for at in (0.0, 1.0):
        counter.add("groq#1", "m", at, Demand(1, 2), metered=True)
    assert counter.worst(Quotas("groq", limits)).requests_ratio == 2.0


def test_gemini_counts_input_tokens() -> None:
    counter = PeakCounter("gemini")
    counter.add("gemini#1", "m", 0.0, Demand(50, 400), metered=True)
    peak = counter.worst(Quotas("gemini", ProviderLimits(Quota(tpm=100))))
    assert (peak.tokens, peak.tokens_ratio) == (400, 0.5)
