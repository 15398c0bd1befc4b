"""`router-config models`: the providers' own lists over HTTP, what of the file is gone, and the edit."""

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig_upstream import Asked, answer, upstream

from router_config.catalogue.kept_lists import FRESH
from router_config.cli import main
from router_config.cli.editing.model_edits import Edit
from router_config.config.loading import load_config
from router_config.simulator import Simulator
from router_config.simulator.lists.listed_models import SERVICES

KEY = "sk-the-key-of-a-test-0123456789"

BASES = {
    "mistral": "/v1",
    "cohere": "/v2/chat",
    "anthropic": "",
    "ollama": "",
    "cloudflare": "/client/v4/accounts/me/ai/v1",
    "huggingface": "/v1",
}
"""What LiteLLM takes as api_base of the services that the simulator has besides the five."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({}, own_ports=False) as running:
        yield running


class Command:
    """The command in a folder of its own. code, out, err: of the last run."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.code, self.out, self.err = 0, "", ""

    def file(self, text: str) -> None:
        (self.folder / "litellm.yaml").write_text(text)

    def __call__(self, *arguments: str) -> int:
        try:
            self.code = main(["models", *arguments])
        except SystemExit as ended:
            self.code = int(str(ended.code))
        self.read()
        assert KEY not in self.out + self.err
        assert KEY[:8] not in self.out + self.err
        return self.code

    def read(self) -> None:
        """Take what was printed since."""
        self.out, self.err = self._capsys.readouterr()

    def json(self, *arguments: str) -> dict[str, Any]:
        self(*arguments, "--json")
        found: dict[str, Any] = json.loads(self.out)
        return found


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(tmp_path)
    for name in ("GROQ", "GEMINI", "GOOGLE", "OPENROUTER", "TOGETHERAI", "OPENAI", "MY"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    monkeypatch.setenv("MY_API_KEY", KEY)
    return Command(tmp_path, capsys)


def section(name: str, base: str, listed: str, prefix: str | None = None, more: str = "") -> str:
    told = f"    litellm_provider: {prefix}\n" if prefix else ""
    return (
        f"  {name}:\n    api_base: {base}\n    api_key: os.environ/MY_API_KEY\n{told}"
        f"    models: [{listed}]\n" + "".join(f"    {line}\n" for line in more.splitlines())
    )


def base_of(simulator: Simulator, name: str) -> str:
    return f"{simulator.url}/{name}{BASES[name]}" if name in SERVICES else simulator.api_base(name)


@pytest.mark.parametrize("name", ["groq", "gemini", "openrouter", "together", "openai", *SERVICES])
def test_every_wire_form_tells_what_is_gone_and_what_is_new(simulator: Simulator, models: Command, name: str) -> None:
    facts = {"context": 8192, "vision": True, "price": [0.1, 0.4]}
    simulator.change_models(name, add={"a/kept": facts, "a/new": {}, "an/embedding": {"kind": "embedding"}})
    models.file("providers:\n" + section(name, base_of(simulator, name), "a/kept, a/gone"))
    told = models.json(name)["providers"][0]
    assert models.code == 1, models.err
    assert {each["name"]: each["state"] for each in told["models"]} == {"a/kept": "listed", "a/gone": "gone"}
    assert {"a/new", "an/embedding"} == {each["name"] for each in told["new"]}
    assert told["models"][0]["context"] in (8192, None)
    requests = [call for call in simulator.calls() if call.provider == name]
    assert [(each.kind, each.status) for each in requests] == [("models", 200)] * (2 if name == "openrouter" else 1)
    if name == "openrouter":
        assert told["account"] == {
            "free_tier": True, "limit_usd": 5.0, "remaining_usd": 4.5, "used_usd": 0.5, "resets": "monthly",
        }  # fmt: skip


def test_pages_are_followed_to_the_end(simulator: Simulator, models: Command) -> None:
    names = [f"m{number}" for number in range(7)]
    simulator.set_options(list_page=3)
    paged = ("gemini", "cohere", "anthropic", "cloudflare")
    for name in paged:
        simulator.change_models(name, add=names)
    models.file("providers:\n" + "".join(section(name, base_of(simulator, name), "m6, m7") for name in paged))
    for each in models.json()["providers"]:
        assert [model["state"] for model in each["models"]] == ["listed", "gone"], each
        assert each["complete"] is True
    assert simulator.count() == 3 * len(paged)


REFERENCE = """\
# mine
state: sqlite:///state/counts.db
providers:
  groq:
    api_base: {groq}
    api_key: os.environ/MY_API_KEY
    models: [llama-3.3-70b-versatile, mixtral-8x7b-32768]   # the first two
  gemini:
    api_base: {gemini}
    api_key: os.environ/MY_API_KEY
    models:
      # quick
      - gemini-1.5-flash   # first
      - name: gemini-2.5-pro
        limits: {{rpm: 5}}
        groups: [default]
  openrouter:
    api_base: {openrouter}
    api_key: os.environ/MY_API_KEY
    models:
      - openrouter/free
      - deepseek/deepseek-r1:free
      - name: mistralai/mistral-7b-instruct:free
        groups: [default, fast]
aliases: {{gpt-4o: fast}}
"""
WRITTEN = """\
# mine
state: sqlite:///state/counts.db
providers:
  groq:
    api_base: {groq}
    api_key: os.environ/MY_API_KEY
    models: [openai/gpt-oss-120b, openai/gpt-oss-20b]   # the first two
  gemini:
    api_base: {gemini}
    api_key: os.environ/MY_API_KEY
    models:
      # quick
      - gemini-3.8-flash   # first
  openrouter:
    api_base: {openrouter}
    api_key: os.environ/MY_API_KEY
    models:
      - openrouter/free
      - name: mistralai/mistral-7b-instruct:free
        groups: [default, fast]
aliases: {{gpt-4o: fast}}
"""


def test_the_reference_table_as_it_is_today_and_its_edit(simulator: Simulator, models: Command) -> None:
    """A model goes where its successor is in the file; one that serves a group of its own stays, for a person."""
    simulator.change_models("groq", add=["openai/gpt-oss-120b", "openai/gpt-oss-20b"])
    simulator.change_models("gemini", add=["gemini-3.8-flash", "gemini-3.5-flash"])
    simulator.change_models("openrouter", add={"openrouter/free": {}, "qwen/qwen3:free": {}, "a/paid": {}})
    bases = {name: simulator.api_base(name) for name in ("groq", "gemini", "openrouter")}
    models.file(REFERENCE.format(**bases))
    assert models() == 1
    assert "GONE  llama-3.3-70b-versatile" in models.out
    assert "-> openai/gpt-oss-120b" in models.out
    assert "qwen/qwen3:free" in models.out
    assert "a/paid" not in models.out
    assert "models --write" in models.err
    assert models("--all") == 1
    assert "a/paid" in models.out
    assert models("--write") == 1
    assert Path("litellm.yaml").read_text() == WRITTEN.format(**bases)
    assert "-      - gemini-1.5-flash   # first" in models.out
    assert models("groq", "gemini") == 0
    assert models("groq", "--write") == 0
    assert "---" not in models.out
    assert simulator.count() == 4, "each list was asked for once, and the key's account"


def test_a_list_is_kept_for_a_day_and_asked_for_anew_when_told(simulator: Simulator, models: Command) -> None:
    simulator.change_models("groq", add=["m", "n"])
    simulator.change_models("openai", add=["m"])
    models.file(
        "state: sqlite:///state/counts.db\nproviders:\n"
        + section("groq", simulator.api_base("groq"), "m")
        + section("openai", simulator.api_base("openai"), "m")
    )
    assert [each["source"] for each in models.json()["providers"]] == ["asked", "asked"]
    simulator.change_models("groq", retire=["m"])
    assert [each["source"] for each in models.json()["providers"]] == ["kept", "kept"]
    assert models.code == 0
    told = models.json("groq", "--refresh")["providers"]
    assert [(each["source"], each["models"][0]["state"]) for each in told] == [("asked", "gone")]
    assert told[0]["models"][0]["missing_since"] == told[0]["asked_at"]
    for kept in Path("state/models").iterdir():
        text = kept.read_text()
        assert KEY not in text
        document = json.loads(text)
        kept.write_text(json.dumps(document | {"asked_at": document["asked_at"] - FRESH - 1}))
    assert [each["source"] for each in models.json()["providers"]] == ["asked", "asked"]


def test_another_key_or_address_has_a_list_of_its_own(
    simulator: Simulator, models: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.change_models("groq", add=["m"])
    simulator.change_models("openai", add=["m"])
    models.file("providers:\n" + section("groq", simulator.api_base("groq"), "m"))
    models()
    monkeypatch.setenv("MY_API_KEY", KEY + "-another")
    assert models.json()["providers"][0]["source"] == "asked"
    models.file("providers:\n" + section("groq", simulator.api_base("openai"), "m"))
    assert models.json()["providers"][0]["source"] == "asked"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 500}, "HTTP 500"),
        ({"status": 404}, "it has no list at /groq/openai/v1/models (HTTP 404)"),
        ({"status": 302, "headers": {"location": "http://localhost:9/"}}, "it redirects elsewhere (HTTP 302)"),
        ({"status": 200, "body": "<html>log in here</html>"}, "its answer is not JSON"),
        ({"status": 200, "body": {"data": []}}, "its list is empty"),
        (
            {"status": 200, "body": {"error": {"message": "No credit", "code": 402}}},
            "Groq: this account's credit or quota is gone",
        ),
        ({"malformed": True}, "its answer is not JSON"),
        ({"timeout": True}, "no answer within 2 s"),
        ({"closed": True}, "cannot reach 127.0.0.1:"),
        ({"status": 401, "body": {"error": {"message": f"Incorrect API key provided: {KEY}"}}}, "HTTP 401"),
        ({"status": 200, "body": "[" * 200_000}, "its answer is not JSON"),
    ],
)
def test_one_providers_failure_is_said_and_spoils_nothing(
    simulator: Simulator, models: Command, fault: dict[str, Any], said: str
) -> None:
    for name in ("groq", "openai"):
        simulator.change_models(name, add=["m"])
    simulator.fault("groq", kind="models", **fault)
    models.file(
        f"defaults: {{timeout: {2 if 'timeout' in fault else 30}s}}\nproviders:\n"
        + section("groq", simulator.api_base("groq"), "m")
        + section("openai", simulator.api_base("openai"), "m, gone")
    )
    assert models() == 1
    assert f"groq (free): no list: {said}" in models.out or said in models.out.partition("\n")[0]
    assert "GONE  gone" in models.out
    simulator.clear()
    assert models("groq") == 0


def test_check_tells_what_the_last_list_lacked(simulator: Simulator, models: Command) -> None:
    simulator.change_models("groq", add=["m", "openai/gpt-oss-120b"])
    models.file("state: memory://\nproviders:\n" + section("groq", simulator.api_base("groq"), "m, n"))
    models()
    assert main(["check", "--strict"]) == 1
    models.read()
    assert "warning: groq: n was not in its list of " in models.err
    assert "use openai/gpt-oss-120b instead" in models.err


def test_a_list_of_yesterday_is_shown_where_today_has_none(simulator: Simulator, models: Command) -> None:
    simulator.change_models("groq", add=["m"])
    models.file("providers:\n" + section("groq", simulator.api_base("groq"), "m, n"))
    models()
    simulator.fault("groq", kind="models", status=503)
    assert models("--refresh") == 1
    assert "what follows is its list of" in models.out
    assert "GONE  n" in models.out


def test_the_next_key_of_a_pool_asks_where_one_is_refused(
    simulator: Simulator, models: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_KEY", "a-bad-key")
    simulator.change_models("groq", add=["m"])
    simulator.set_keys("groq", bad=["a-bad-key"])
    file = section("groq", simulator.api_base("groq"), "m")
    models.file("providers:\n" + file.replace("os.environ/MY_API_KEY", "[os.environ/BAD_KEY, os.environ/MY_API_KEY]"))
    assert models() == 0
    assert [call.status for call in simulator.calls()] == [401, 200]


def test_who_counts_the_request_has_it_counted_and_has_no_more_of_them_than_there_is_room(
    simulator: Simulator, models: Command
) -> None:
    simulator.change_models("cohere", add=["m"])
    models.file(
        "state: sqlite:///state/counts.db\nproviders:\n"
        + section("cohere", base_of(simulator, "cohere"), "m", more="limits: {rpd: 2}")
        + section("mistral", base_of(simulator, "mistral"), "m", more="limits: {rpd: 0}")
    )
    simulator.change_models("mistral", add=["m"])
    for _ in range(2):
        assert models("--refresh") == 0
    told = models.json("--refresh")["providers"]
    assert [each["counted"] for each in told] == [True, False]
    assert "no room for a request more" in told[0]["problem"]
    asked = [call.provider for call in simulator.calls()]
    assert (asked.count("cohere"), asked.count("mistral")) == (2, 3)


def test_what_is_not_asked_says_why(simulator: Simulator, models: Command) -> None:
    simulator.change_models("groq", add=["m"])
    models.file(
        "providers:\n"
        + section("groq", simulator.api_base("groq"), "m")
        + "  openai:\n    models: [m]\n"
        + "  azure:\n    api_base: https://my.openai.azure.com\n    api_key: os.environ/MY_API_KEY\n    models: [m]\n"
        + "  mistral:\n    enabled: false\n    models: [m]\n"
    )
    assert models() == 0
    assert "openai (free): not asked: OPENAI_API_KEY is not set" in models.out
    assert "azure (free): not asked: azure has no list" in models.out
    assert "mistral" not in models.out
    assert models("mistral") == 1
    assert "it is switched off in the file" in models.out
    models.file("providers:\n  mistral:\n    enabled: false\n    models: [m]\n")
    assert models() == 1
    assert "no provider is switched on" in models.out
    assert simulator.count() == 1


def test_a_service_that_has_ended_serves_none_of_its_models(models: Command) -> None:
    models.file("providers:\n  github:\n    api_key: os.environ/MY_API_KEY\n    models: [gpt-4o]\n")
    assert models() == 1
    assert "GitHub Models is gone since 2026-07-30; remove it: router-config remove github" in models.out


def test_providers_are_asked_at_the_same_time(models: Command) -> None:
    """Each answers only once all have been asked."""
    together = threading.Barrier(3, timeout=20)

    def said(_: Asked) -> bytes:
        together.wait()
        return answer({"data": [{"id": "m"}]})

    with upstream(said) as host:
        names = ("one", "two", "three")
        models.file("providers:\n" + "".join(section(name, f"{host.address}/{name}", "m", "openai") for name in names))
        assert models() == 0
    assert sorted(asked.line for asked in host.asked) == sorted(f"GET /{name}/models HTTP/1.1" for name in names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grok",), 'there is no provider "grok"\n  Did you mean groq?'),
        (("--add", "n"), "--add needs the one provider"),
        (("groq", "--add", "m"), "m is in the file already"),
        (("groq", "--add", "qwen-4"), "groq lists no 'qwen-4'; nothing was written\n  Did you mean qwen-3?"),
        (("--wirte",), "--wirte"),
    ],
)
def test_wrong_usage(simulator: Simulator, models: Command, arguments: tuple[str, ...], said: str) -> None:
    simulator.change_models("groq", add=["m", "qwen-3"])
    models.file("providers:\n" + section("groq", simulator.api_base("groq"), "m"))
    before = Path("litellm.yaml").read_text()
    assert models(*arguments) == 2
    assert said in models.err
    assert Path("litellm.yaml").read_text() == before


@pytest.mark.parametrize("flow", [True, False])
@pytest.mark.parametrize("name", ["openai/gpt-oss-20b", "@cf/meta/llama", "a/b:free", "1234", "true"])
def test_a_model_is_added_as_the_text_that_it_is(simulator: Simulator, models: Command, flow: bool, name: str) -> None:
    simulator.change_models("groq", add=["m", name])
    listed = "[m]" if flow else "\n      - m   # mine"
    text = "providers:\n" + section("groq", simulator.api_base("groq"), "m").replace("[m]", listed) + "# the end\n"
    models.file(text)
    assert models("groq", "--add", name) == 0
    written = Path("litellm.yaml").read_text()
    config = load_config("litellm.yaml")
    assert [model.name for model in config.providers[0].models] == ["m", name]
    known = {"rpm": 30, "tpm": 8000, "rpd": 1000, "tpd": 200_000} if name == "openai/gpt-oss-20b" else {}
    assert config.providers[0].models[1].limits.given() == known
    assert written.endswith("# the end\n")
    assert flow or "- m   # mine\n" in written


@pytest.mark.parametrize(
    ("listed", "written"),
    [
        ("\n    - a  # x\n    - b", "\n    - n  # x"),
        (
            "\n      -   name: a\n          limits:\n            rpm: 1\n      # two\n      -   b",
            "\n      -   name: n\n          limits:\n            rpm: 1\n      # two",
        ),
        ("[\n      a,   # one\n      b,   # two\n    ]", "[\n      n,   # one\n      # two\n    ]"),
        ("['a', {name: \"b\"}]", "[n]"),
        ("\r\n      - a\r\n      - b\r", "\r\n      - n\r"),
    ],
)
def test_the_edit_keeps_the_form_of_the_list(listed: str, written: str) -> None:
    text = f"providers:\n  groq:\n    models: {listed}\n    priority: 1\n"
    for edit in (Edit("groq", "a", "n"), Edit("groq", "b", "n", removed=True)):
        text = edit.apply(text)
    assert text == f"providers:\n  groq:\n    models: {written}\n    priority: 1\n"


def test_a_list_that_others_share_is_left_to_a_person(simulator: Simulator, models: Command) -> None:
    simulator.change_models("groq", add=["openai/gpt-oss-120b"])
    file = section("groq", simulator.api_base("groq"), "gone").replace("[gone]", "&shared [gone]")
    models.file("providers:\n" + file + "  openai:\n    models: *shared\n")
    assert models("groq", "--write") == 2
    assert "GONE  gone" in models.out
    assert "this cannot be changed alone; nothing was written" in models.err


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"id": "m\x1b[2J"}, {"id": "ok"}, {"id": "x" * 300}]},
        {"data": [{"id": f"m{number}"} for number in range(5_500)] + [{"id": "ok"}]},
    ],
)
def test_what_comes_from_outside_is_bounded(models: Command, body: Any) -> None:
    def said(_: Asked) -> bytes:
        return answer(body)

    with upstream(said) as host:
        models.file("providers:\n" + section("own", f"{host.address}/v1", "ok, m0", "openai"))
        found = models.json()["providers"][0]
    assert len(found["new"]) <= 5_000
    assert "\x1b" not in models.out


def test_a_list_that_is_too_large_is_not_read_to_its_end(models: Command) -> None:
    body = gzip.compress(b'{"data": [' + b'{"id": "m"},' * 1_500_000 + b'{"id": "n"}]}', 1)

    def said(_: Asked) -> bytes:
        return answer(body, headers={"content-encoding": "gzip"})

    with upstream(said) as host:
        models.file("providers:\n" + section("own", f"{host.address}/v1", "m", "openai"))
        assert models() == 1
    assert "its list is larger than 16 MB" in models.out


def test_a_folder_that_cannot_be_written_costs_a_request_and_no_more(simulator: Simulator, models: Command) -> None:
    simulator.change_models("groq", add=["m"])
    Path(".router").write_text("in the way")
    models.file("state: memory://\nproviders:\n" + section("groq", simulator.api_base("groq"), "m"))
    assert models() == 0
    assert "the list is not kept" in models.err


def test_help_has_examples(models: Command) -> None:
    assert models("--help") == 0
    assert "router-config models --write" in models.out
