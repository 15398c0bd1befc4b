"""What a provider's answer says about its quotas, and what it means for the next request.

Pure functions of a `Reply` and the time: no I/O, no clock, no LiteLLM.
"""

from __future__ import annotations

from router_config.signals.reading import read
from router_config.signals.redaction import redact, without
from router_config.signals.types import Hold, Kind, Observation, Reading, Reply, Scope, Verdict

__all__ = ["Hold", "Kind", "Observation", "Reading", "Reply", "Scope", "Verdict", "read", "redact", "without"]
