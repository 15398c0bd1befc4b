"""What agents stand on: BaseAgent, which answers through the router of litellm.yaml.

    from . import BaseAgent

    class TradingAgent(BaseAgent):
        system_prompt = "You are a careful trader."

        def decide(self, market: str) -> str:
            return self.ask(f"Buy or sell? {market}")

Nothing here imports LiteLLM (3 seconds) until the first question is asked.
"""

from .base_agent import BaseAgent
from .shared_router import use_router
from .structured import InvalidAnswer

__all__ = ["BaseAgent", "InvalidAnswer", "use_router"]
