"""Requests as LiteLLM sends them, learned from two of a kind, for later ones that differ in their messages alone.

Pure: a template is made of recorded requests and gives the bytes of the next one. A kind keeps what is proven.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx

from router_config.transport.exchange import Recording

if TYPE_CHECKING:
    from router_config.transport.fast.answers import Answers
    from router_config.transport.fast.listeners import Told

LASTS: Final = 10.0
"""Seconds after which a kind is proven anew: the environment, or LiteLLM's settings, may have changed."""

SHAPES: Final = 200
"""Shapes of messages and answers that are remembered of a kind."""

OF_THE_CONNECTION: Final = frozenset({b"host", b"content-length", b"connection", b"transfer-encoding"})
SHORTEST_KEY: Final = 6
"""Characters of a key that is found in a header and replaced; a shorter one might be anything."""

KEYS: Final = 100
"""Keys for which a template keeps URL and headers."""

KEY: Final = "\ue000key\ue000"
_MESSAGES: Final = "\ue000messages\ue000"

Shape = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A request with holes for the key and the messages.

    parts: what stands between the holes of the body, as JSON. holes: which message's text goes where, in order; None
    where the body holds the messages as they are given. sparse: without what is None in them; None where that is not
    known, since nothing was. addresses: URL and headers by key, made when they were first asked for.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    holes: tuple[int, ...] | None
    sparse: bool | None = None
    addresses: dict[str | None, tuple[httpx.URL, httpx.Headers]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def has_key(self) -> bool:
        """Whether the key stands in address or headers, so that another can take its place."""
        return KEY in self.url or any(KEY in value for _, value in self.headers)

    def body(self, messages: Sequence[Mapping[str, Any]]) -> bytes:
        """The body with these messages. Raises TypeError or ValueError for what is no JSON."""
        if self.holes is None:
            first, last = self.parts
            written = _sparse(messages) if self.sparse else messages
            return f"{first}{json.dumps(written, ensure_ascii=False)}{last}".encode()
        texts = [self.parts[0]]
        for hole, part in zip(self.holes, self.parts[1:], strict=True):
            texts += (json.dumps(messages[hole]["content"], ensure_ascii=False), part)
        return "".join(texts).encode()

    def agreed(self, other: "Template") -> "Template | None":
        """The template of two requests, if both show the same."""
        if self.sparse is None or other.sparse is None or self.sparse == other.sparse:
            known = replace(self, sparse=other.sparse if self.sparse is None else self.sparse)
            return known if replace(other, sparse=known.sparse) == known else None
        return None

    def address(self, key: str | None) -> tuple[httpx.URL, httpx.Headers]:
        """URL and headers for this key."""
        known = self.addresses.get(key)
        if known is None:
            if len(self.addresses) >= KEYS:
                self.addresses.clear()
            filled = [(name, value.replace(KEY, key or "")) for name, value in self.headers]
            known = self.addresses[key] = httpx.URL(self.url.replace(KEY, key or "")), httpx.Headers(filled)
        return known


@dataclass(slots=True)
class Kind:
    """What is known of chats with the same deployment and parameters.

    verbatim: the template of requests that hold their messages as given. pairs: which messages, one after another, were
    seen in such requests, and until when that counts. filled: the templates of other requests, by the shape of all
    their messages, and until when. first: what one request showed, until another shows the same. answers: how they are
    read. proven: the shapes of answers that were read as LiteLLM reads them. told: what callbacks are told, where
    somebody listens. held: characters of all templates. why: what was not proven by the last chat that went the public
    way. Times are monotonic seconds.
    """

    verbatim: Template | None = None
    pairs: dict[Any, float] = field(default_factory=dict)
    filled: dict[Shape, tuple[Template, float]] = field(default_factory=dict)
    first: dict[Shape | None, Template] = field(default_factory=dict)
    answers: "Answers | None" = None
    proven: set[frozenset[Any]] = field(default_factory=set)
    told: "Told | None" = None
    held: int = 0
    why: str | None = None

    def template(self, messages: Any, now: float) -> Template | None:
        """The template that is proven for messages like these.

        When its time is over, one chat goes the public way to prove it anew, and the others go on.
        """
        shape = shape_of(messages)
        if shape is None:
            return None
        if self.verbatim is None:
            template, until = self.filled.get(shape, (None, now))
            if template is not None and until <= now:
                self.filled[shape] = template, now + LASTS
                return None
            return template
        pairs = pairs_of(shape)
        if not self.pairs.keys() >= pairs:
            return None
        over = [each for each in pairs if self.pairs.get(each, now) <= now]
        self.pairs.update((each, now + LASTS) for each in over)
        return None if over else self.verbatim

    def forget(self, shape: Shape) -> None:
        self.verbatim = None
        self.pairs.clear()
        self.filled.pop(shape, None)

    def show(self, shape: Shape, template: Template) -> Template | None:
        """Note what one more request shows. Returns the template if another has shown the same."""
        place = shape if template.holes is not None else None
        before = self.first.get(place)
        agreed = None if before is None else before.agreed(template)
        if len(self.first) >= SHAPES:
            self.first.clear()
        self.first[place] = agreed or template
        if agreed is None:
            self.forget(shape)
        return agreed

    def characters(self) -> int:
        """How much is held of templates."""
        held = {id(each): each for each in (*self.first.values(), *(each for each, _ in self.filled.values()))}
        return sum(len(part) for each in held.values() for part in each.parts)

    def trust(self, shape: Shape, template: Template, until: float) -> None:
        """Send chats of this shape from the template until then."""
        if template.holes is not None:
            if len(self.filled) >= SHAPES:
                self.filled.clear()
            self.filled[shape] = template, until
            return
        self.verbatim = template
        if len(self.pairs) >= SHAPES:
            self.pairs.clear()
        self.pairs.update((each, until) for each in pairs_of(shape))


def pairs_of(shape: Shape) -> frozenset[Any]:
    """Each message's shape with that of the next one: how they are written does not depend on more than that."""
    return frozenset(zip((None, *shape), (*shape, None), strict=True))


def shape_of(messages: Any) -> Shape | None:
    """What of a list of messages decides how LiteLLM writes them: roles, keys, and which of them hold nothing.

    None for messages that are looked at one by one: parts, pictures, objects, a text that is no text.
    """
    if not isinstance(messages, list) or not messages:
        return None
    shape: list[Any] = []
    for each in messages:
        if type(each) is not dict:
            return None
        content = each.get("content")
        if content is not None and type(content) is not str:
            return None
        role = each.get("role")
        nothing = tuple(name for name, value in each.items() if value is None)
        calls = each.get("tool_calls") or ()
        if not isinstance(calls, list | tuple) or not all(type(call) is dict for call in calls):
            return None
        of_calls = frozenset(tuple(call) for call in calls)
        shape.append((role, *each, nothing, content is None or content.strip() == "", of_calls))
    return tuple(shape)


def template_of(recording: Recording, messages: Sequence[Mapping[str, Any]], key: str | None) -> Template | None:
    """The template of a recorded request; None where it does not show how its messages were written."""
    try:
        body = json.loads(recording.request)
    except ValueError:
        return None
    if recording.requests != 1 or not isinstance(body, dict):
        return None
    if key is not None and len(key) >= SHORTEST_KEY and key in recording.request.decode("utf-8", "replace"):
        return None
    holes: tuple[int, ...] | None = None
    sparse: bool | None = None
    given, written = list(messages), body.get("messages")
    if written == given or written == _sparse(messages):
        sparse = None if given == _sparse(messages) else written != given
        text = json.dumps({**body, "messages": _MESSAGES}, ensure_ascii=False)
        parts = tuple(text.split(json.dumps(_MESSAGES, ensure_ascii=False)))
        if len(parts) != 2:
            return None
    else:
        found = _with_holes(body, [each.get("content") for each in messages])
        if found is None:
            return None
        parts, holes = found
    template = Template(recording.method, _without(recording.url, key), _headers(recording, key), parts, holes, sparse)
    return template if key is None or len(key) < SHORTEST_KEY or template.has_key else None


def _sparse(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if value is not None} for each in messages]


def _with_holes(body: Any, contents: list[Any]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """The body's JSON around the messages' texts, each of which must stand in it once, whole and alone."""
    if not all(isinstance(each, str) and each for each in contents) or len(set(contents)) != len(contents):
        return None
    marks = {content: f"\ue000hole{number}\ue000" for number, content in enumerate(contents)}
    text = json.dumps(_marked(body, marks), ensure_ascii=False)
    places: list[tuple[int, int, str]] = []
    for number, content in enumerate(contents):
        mark = json.dumps(marks[content], ensure_ascii=False)
        if text.count(mark) != 1 or json.dumps(content, ensure_ascii=False)[1:-1] in text.replace(mark, ""):
            return None
        places.append((text.index(mark), number, mark))
    parts, at = [], 0
    for place, _, mark in sorted(places):
        parts.append(text[at:place])
        at = place + len(mark)
    return (*parts, text[at:]), tuple(number for _, number, _ in sorted(places))


def _marked(value: Any, marks: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _marked(each, marks) for name, each in value.items()}
    if isinstance(value, list):
        return [_marked(each, marks) for each in value]
    return marks.get(value, value) if isinstance(value, str) else value


def _headers(recording: Recording, key: str | None) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), _without(value.decode("latin-1"), key))
        for name, value in recording.headers
        if name.lower() not in OF_THE_CONNECTION
    )


def _without(text: str, key: str | None) -> str:
    return text.replace(key, KEY) if key is not None and len(key) >= SHORTEST_KEY else text
