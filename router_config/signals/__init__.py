"""What a provider's reply means for the next request, and what it says of the provider's limits.

Pure functions of a `Reply` and the time: no I/O, no clock, no LiteLLM.
"""

from router_config.signals.redaction import redact, without
from router_config.signals.reply_reader import read
from router_config.signals.types import Hold, Kind, Observation, Reading, Reply, Scope, Verdict

__all__ = ["Hold", "Kind", "Observation", "Reading", "Reply", "Scope", "Verdict", "read", "redact", "without"]
