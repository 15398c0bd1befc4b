"""In which form a model is asked for JSON, where the prompt shows the schema and so any form will do."""

from typing import Any, Final

from router_config.deployments.abilities import BIT
from router_config.routing.fit import Fit
from router_config.routing.request import Flight
from router_config.transport.messages.answer_schemas import takes_schema

JSON_OBJECT: Final = {"type": "json_object"}


def in_its_form(flight: Flight, asked: dict[str, Any], fit: Fit, now: float) -> dict[str, Any]:
    """The arguments as they are sent in this attempt: with `schema_in_prompt`, the format that the model takes.

    A schema, where the model is known to take one; a JSON object, where it refused schemas; else none. now: epoch
    seconds.
    """
    if not asked.get("schema_in_prompt") or asked.get("response_format") is None:
        return asked  # Nearly always.
    schema = fit.takes_format(flight.request, flight.deployment, "json_schema", now)
    if schema or (schema is None and takes_schema(flight.entry["litellm_params"]["model"])):
        flight.asks_format = BIT["json_schema"]
        return asked
    if schema is False and fit.takes_format(flight.request, flight.deployment, "json_object", now) is not False:
        flight.asks_format = BIT["json_object"]
        return {**asked, "response_format": JSON_OBJECT}
    return {name: value for name, value in asked.items() if name != "response_format"}
