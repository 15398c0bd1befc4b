"""Whatever a list holds: no exception, and nothing that a model cannot be."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router_config.catalogue.fields import DEAREST, LONGEST_CONTEXT, NAME
from router_config.catalogue.kept_lists import after
from router_config.catalogue.listing import Listing

from .test_forms import FORMS, request

NOW = 1_795_435_200.0


def keys(value: Any) -> Iterator[str]:
    """Every key of a document, however deep."""
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(each)


KEYS = sorted({key for _, document, _ in FORMS.values() for key in keys(document)})
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["m", "-1", "1e999", "true", "chat", "embed", "2026-13-45", "tools", "text->image", "9" * 50])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=20,
)
LISTS = st.tuples(st.sampled_from(["data", "models", "result"]), st.lists(VALUES, max_size=4)).map(
    lambda one: dict([one])
)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(document=VALUES | LISTS, name=st.sampled_from(sorted(FORMS)), raw=st.booleans())
def test_any_document_is_read(document: Any, name: str, raw: bool) -> None:
    if raw:
        document = json.loads(json.dumps(document))
    page = request(name, FORMS[name][0]).page(document)
    for model in page.models:
        assert NAME.fullmatch(model.name)
        assert model.context is None or 1 <= model.context <= LONGEST_CONTEXT
        assert model.price is None or 0 <= model.price.input <= DEAREST
    after(None, Listing(models=page.models), ["m"], NOW)
    request("openrouter").account(document)
