"""What LiteLLM 1.106.2 shows, fetches or imports unasked, switched off for the process once a Router is made."""

import warnings

import litellm


def quieten() -> None:
    """Idempotent. A setting that the user made stands."""
    if litellm.disable_hf_tokenizer_download is None:
        # Else it fetches a tokenizer to count a llama stream's prompt, 24 seconds where it cannot.
        litellm.disable_hf_tokenizer_download = True
    litellm.suppress_debug_info = True  # Else each failed attempt prints advice to stdout.
    # A call cancelled while LiteLLM still prepares it in a thread leaves its coroutine behind.
    warnings.filterwarnings(
        "ignore", r"coroutine '\w+\.a\w*(completion|embedding)\w*' was never awaited", RuntimeWarning
    )
    # pydantic 2.14 on a type of openai's that LiteLLM validates with.
    warnings.filterwarnings("ignore", "Item '.*' on TypedDict class", UserWarning)
