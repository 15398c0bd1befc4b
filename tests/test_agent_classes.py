"""Which class an agent belongs to."""

from router_config.config.agent_classes import AgentClass, class_of

TRADER = AgentClass(name="trader", agents=("TradingAgent", "exec-*"), reserve=0.3, by_provider={"groq": 0.5})
BATCH = AgentClass(name="batch", agents=("exec-nightly", "*Report"))
OTHERS = AgentClass(name="default")
CLASSES = (TRADER, BATCH, OTHERS)


def test_an_agent_belongs_to_the_class_that_names_it_and_a_name_beats_a_pattern() -> None:
    assert class_of("TradingAgent", CLASSES) is TRADER
    assert class_of("exec-1", CLASSES) is TRADER
    assert class_of("exec-nightly", CLASSES) is BATCH
    assert class_of("DailyReport", CLASSES) is BATCH


def test_whoever_no_class_names_is_of_the_default_one() -> None:
    assert class_of("somebody", CLASSES) is OTHERS
    assert class_of(None, CLASSES) is OTHERS


def test_without_classes_nobody_has_one() -> None:
    assert class_of("TradingAgent", ()) is None


def test_a_reserve_may_differ_at_one_provider() -> None:
    assert (TRADER.reserve_at("groq"), TRADER.reserve_at("gemini")) == (0.5, 0.3)
