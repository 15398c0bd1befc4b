"""What is said of a bad litellm.yaml: one short error that names the place and what to write instead."""

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest
from rig_config import Load, groq, load_text

from router_config.config.loading import load_config
from router_config.config.models import ConfigError

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)
    return load_text


# (text, place, words of the message)
BAD: list[tuple[str | bytes, str, str]] = [
    ("", "", "the file is empty"),
    ("# nothing but a comment\n", "", "the file is empty"),
    ("---\n", "", "the file is empty"),
    ("[]", ":1:1", "a mapping is expected"),
    ("just text", ":1:1", "a mapping is expected"),
    ("providers:\n\tgroq: {models: [m]}\n", ":2:1", "Indent with spaces"),
    ("providers:\n  groq:\n\tmodels: [m]\n", ":3:1", "tab"),
    ("providers:\n  groq:\n    models: [m]\n\t\t# c\n    x: 1\n", ":4:1", "tab"),
    ("version: 2\n" + groq(), ":1:10", "Write `version: 1`"),
    ("version: one\n" + groq(), ":1:10", "version"),
    ("verison: 1\n" + groq(), ":1:1", "Did you mean version?"),
    ("model_list: []\n", ":1:1", "write `providers:`"),
    ("providers:\n", ":1:1", "providers is empty"),
    ("version: 1\n", ":1:1", "providers is missing"),
    ("providers: {}\n", ":1:12", "this is empty"),
    ("providers: [groq]\n", ":1:12", "a mapping is expected"),
    ("providers:\n  groq:\n", ":2:8", "nothing stands here"),
    ("providers:\n  groq: {}\n", ":2:3", "models is missing"),
    ("providers:\n  groq: {models: }\n", ":2:10", "models is empty"),
    (groq(models="[]"), ":3:13", "this list is empty"),
    (groq(models="m"), ":3:13", "a list is expected"),
    (groq(models="[5]"), ":3:14", "model 1"),
    (groq(models="['']"), ":3:14", "no name of a model"),
    (groq(models="['two words']"), ":3:14", "no name of a model"),
    (groq(models="[{}]"), ":3:14", "name is missing"),
    (groq(models="[{nam: m}]"), ":3:15", "Did you mean name?"),
    (groq(models="[m, x, m]"), ":3:20", "two deployments would have the id groq/m#1"),
    (groq(models="[m, {name: m, groups: [fast]}]"), ":3:17", "keep one entry"),
    (groq(models="[{name: m, groups: []}]"), ":3:32", "this list is empty"),
    (groq(models="[{name: m, groups: [a b]}]"), ":3:33", "no name of a group"),
    (groq(models="[{name: m, price: {input: 1}}]"), ":3:24", "output is missing"),
    (groq(models="[{name: m, litellm_params: {api_key: k}}]"), ":3:41", "Write api_key on the provider"),
    (groq(models="[{name: m, litellm_params: 5}]"), ":3:40", "a mapping is expected"),
    (groq() + "  groq: {models: [x]}\n", ":4:3", '"groq" is written twice'),
    (groq("tier: free\ntier: paid"), ":5:5", '"tier" is written twice'),
    (groq("limit: {rpm: 3}"), ":4:5", "Did you mean limits?"),
    (groq("wholly_other: 3"), ":4:5", "Known here: priority"),
    (groq("rpm: 3"), ":4:5", "Write limits: {rpm: ...}"),
    (groq("limits: {rpmm: 3}"), ":4:14", "Did you mean rpm?"),
    (groq("limits: {rps: 3}"), ":4:14", "Write requests: {per: 1s"),
    (groq("limits: {requests: {per: 5h}}"), ":4:14", "Write max: 200."),
    (groq("limits: {requests: {per: 60d, max: 3}}"), ":4:30", "Write 1s to 31d"),
    (groq("month: {day: 32}"), ":4:18", "Write a number from 1 to 31."),
    (groq("limits: {rpm: -3}"), ":4:19", "-3 is negative"),
    (groq("limits: {rpm: lots}"), ":4:19", '"lots" is not a number'),
    (groq("limits: {rpm: true}"), ":4:19", "true is not a number"),
    (groq("limits: {rpm: 1.5}"), ":4:19", "not a whole number"),
    (groq("limits: {rpm: .inf}"), ":4:19", "not a number"),
    (groq("limits: {rpm: 1:30}"), ":4:19", "not a number"),
    (groq("limits: {rpm: [3]}"), ":4:19", "not a number"),
    (groq("limits: {rpm:3}"), ":4:14", "a space is missing after the colon of rpm"),
    (groq("limits: {usd_per_day: cheap}"), ":4:27", "not an amount of dollars"),
    (groq("limits: 30"), ":4:13", "{rpm: 30, tpd: 100k}"),
    (groq("priority: first"), ":4:15", "is not a priority"),
    (groq("tier: gratis"), ":4:11", "Write free"),
    (groq("enabled: 'no'"), ":4:14", "Write true or false"),
    (groq("pool: both"), ":4:11", "Write separate"),
    (groq("day: rolling"), ":4:10", "{window: rolling}"),
    (groq("day: {window: weekly}"), ":4:19", "Write rolling"),
    (groq("day: {timezone: Mars/Base}"), ":4:21", "is not a timezone"),
    (groq("api_key: GROQ_API_KEY"), ":4:14", "Write os.environ/GROQ_API_KEY"),
    (groq("api_key: ${GROQ_API_KEY}"), ":4:14", "Write os.environ/GROQ_API_KEY"),
    (groq("api_key: os.environ/MY-KEY"), ":4:14", "Write os.environ/MY_KEY"),
    (groq("api_key: []"), ":4:14", "this list is empty"),
    (groq("api_key: 5"), ":4:14", "neither a key nor a variable"),
    (groq("api_key: [os.environ/A, os.environ/A]"), ":4:29", "A is listed twice"),
    (groq("api_base: localhost:80"), ":4:15", "no http address"),
    (groq("api_base: 'http://h:99999'"), ":4:15", "no http address"),
    ("providers:\n  gorq: {models: [m]}\n", ":2:3", "Did you mean groq?"),
    ("providers:\n  my-server: {models: [m]}\n", ":2:3", "add litellm_provider"),
    ("providers:\n  my server: {models: [m]}\n", ":2:3", "no name of a provider"),
    ("providers:\n  a/b: {litellm_provider: openai, models: [m]}\n", ":2:3", "no name of a provider"),
    (
        "state: postgres://h/db\n" + groq(),
        ":1:8",
        "memory://, sqlite:///path/to/state.db or redis://host:6379/0",
    ),
    ("state: state.db\n" + groq(), ":1:8", "not the URL of a store"),
    ("state: sqlite://state.db\n" + groq(), ":1:8", "three slashes"),
    ("state: 'sqlite:///:memory:'\n" + groq(), ":1:8", "Write memory://"),
    ("state: sqlite:////\n" + groq(), ":1:8", "path of the database file is missing"),
    ("state: sqlite:////tmp\n" + groq(), ":1:8", "this path is a folder"),
    ("state: redis://h:port\n" + groq(), ":1:8", "host or port"),
    ("state: os.environ/NOPE\n" + groq(), ":1:8", "NOPE is not set"),
    ("defaults: {cooldown: soon}\n" + groq(), ":1:22", "not a duration"),
    ("defaults: {timeout: 0}\n" + groq(), ":1:21", "Write more than 0"),
    ("defaults: {soft_limit: 95}\n" + groq(), ":1:24", "95% or 0.95"),
    ("defaults: {timout: 3}\n" + groq(), ":1:12", "Did you mean timeout?"),
    (groq() + "aliases: {gpt-4o: defualt}\n", ":4:19", "Did you mean default?"),
    (groq() + "aliases: {gpt-4o: fast}\n", ":4:19", 'no model serves the group "fast"'),
    (groq() + "aliases: {a: b, b: default}\n", ":4:14", "is an alias itself"),
    (groq() + "aliases: {default: default}\n", ":4:11", "is a group already"),
    (groq() + "aliases: {*: default}\n", ":4:12", "in quotes"),
    (groq() + "aliases: {'gpt-*': default}\n", ":4:11", "cannot be an alias"),
    (groq() + "aliases: [a]\n", ":4:10", "a mapping is expected"),
    (groq() + "router_settings: {rout_strategy: x}\n", ":4:19", "Did you mean routing_strategy?"),
    (groq() + "router_settings: {model_list: []}\n", ":4:19", "It is made from `providers:`"),
    (groq(models="[m"), ":4:1", "a bracket is opened and not closed"),
    (groq(models='["m]'), ":4:1", "a quote is opened and not closed (line 3)"),
    (groq(models="[m]]"), ":3:16", "Indent"),
    ("providers:\n  groq: models: [m]\n", ":2:15", "a second `: `"),
    ("providers:\n   groq:\n     models: [m]\n  gemini: {}\n", ":4:3", "not indented like its neighbours"),
    (groq() + "---\nversion: 1\n", ":4:1", "a second document"),
    ("a: !!python/object/apply:os.system [x]\n", ":1:4", "a tag"),
    ("a: *nobody\n", ":1:4", "names nothing"),
    ("a: @x\n", ":1:4", 'cannot begin with "@"'),
    ("[" * 100_000, ":1:42", "nested too deeply"),
    ("- " * 5_000, ":1:83", "nested too deeply"),
    (
        "\n".join([f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else '1')}]" for n in range(12)]),
        ":1:1",
        "enormous",
    ),
    ("a: x\x00y\n", ":1:5", "control character"),
    (b"a: \xe9\n", ":1:4", "not UTF-8"),
    (b"\xff\xfe\x00", ":1:3", "not UTF-8"),
]


@pytest.mark.parametrize(("text", "place", "words"), BAD, ids=[f"{n}: {words}" for n, (_, _, words) in enumerate(BAD)])
def test_bad_input_gives_one_short_error_with_its_place(load: Load, text: str | bytes, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    message = str(caught.value)
    assert message.startswith(f"litellm.yaml{place}: ")
    assert words in message
    assert 1 <= len(message.splitlines()) <= 3
    assert all(len(line) < 160 for line in message.splitlines())
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "line",
    [
        "api_key: 'gsk_SECRETSECRET1 2'",
        "api_key: os.environ/gsk_FAKE",
        "api_key: os.environ/gsk-FAKE",
        "api_key: $gsk_FAKE",
        "api_key:gsk_FAKE",
        "api_key: {gsk_FAKE: x}",
        "limits: {rpm: gsk_FAKE}",
        "tier: gsk_FAKE",
        "api_base: gsk_FAKE",
        "day: gsk_FAKE",
    ],
)
def test_an_error_never_repeats_what_may_be_a_key(load: Load, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(groq(line.replace("FAKE", "SECRET" + "secret1234567890")))
    assert "SECRET" not in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file\n  Write one with `router-config init`"):
        load_config(tmp_path / "nowhere.yaml", {})


@pytest.mark.parametrize("name", [".", "bad\x00name.yaml", "n" * 5000])
def test_a_path_that_is_no_file_is_an_error_of_its_own_kind(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(name, {})


def test_an_unreadable_dotenv_is_named(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match=r"\.env: cannot be read \(it is not UTF-8 text\)"):
        load(groq())


def test_random_damage_never_ends_in_anything_but_a_config_or_a_config_error(load: Load) -> None:
    chance = random.Random(7)
    original = (REPOSITORY / "litellm.yaml").read_text()
    alphabet: list[Any] = list("\t\n {}[]:,-#&*!|>'\"%@`~0aé\x00")
    for _ in range(400):
        text = list(original)
        for _ in range(chance.randint(1, 4)):
            text[chance.randrange(len(text))] = chance.choice(alphabet)
        with contextlib.suppress(ConfigError):
            load("".join(text))
