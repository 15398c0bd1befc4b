"""The error of a request that no model of its group can do, whatever room there is: one of LiteLLM's, at once."""

from collections.abc import Mapping, Sequence
from typing import Final

from litellm.exceptions import BadRequestError, ContextWindowExceededError, UnsupportedParamsError

from router_config.deployments.abilities import CONTEXT, Misfit
from router_config.deployments.deployment import Deployment
from router_config.routing.needs.of_request import PARAMETERS
from router_config.transport.errors.pickled_errors import picklable

MODELS_TOLD: Final = 12


def nobody_fits(model: str, deployments: Sequence[Deployment], unfit: Mapping[str, Misfit]) -> BadRequestError:
    """The error that names the needs which nobody meets. unfit: every deployment, and what it lacks.

    A need of context is a ContextWindowExceededError, so that LiteLLM's `context_window_fallbacks` follow; one that a
    parameter asks for is an UnsupportedParamsError, and any other a BadRequestError, as LiteLLM has them.
    """
    lacking = [{each.need for each in misfit.lacking} for misfit in unfit.values()]
    unmet, some = set.intersection(*lacking), set.union(*lacking)
    told = " and ".join(sorted(unmet)) if unmet else "together " + " and ".join(sorted(some))
    reasons = list(dict.fromkeys(f"  {each.provider}/{each.model}: {unfit[each.id].reason}" for each in deployments))
    more = [f"  and {len(reasons) - MODELS_TOLD} more"] if len(reasons) > MODELS_TOLD else []
    text = f"no model of {model!r} can do this request: none meets {told}.\n" + "\n".join(reasons[:MODELS_TOLD] + more)
    error: BadRequestError
    if unmet == {CONTEXT} or (not unmet and CONTEXT in some):
        error = ContextWindowExceededError(message=text, model=model, llm_provider="")
    elif (unmet or some) <= PARAMETERS.keys():
        error = UnsupportedParamsError(message=text, model=model, llm_provider="")
    else:
        error = BadRequestError(message=text, model=model, llm_provider="")
    return picklable(error)
