"""An agent in ten lines: a class, a system prompt, and `ask`.

python examples/trading_agent.py
"""

from example_router import example_router

from router_config.adapters import BaseAgent, use_router


class TradingAgent(BaseAgent):
    system_prompt = "You are a careful trader. Answer in one sentence."

    def decide(self, market: str) -> str:
        return self.ask(f"Buy or sell? {market}", max_tokens=200)


if __name__ == "__main__":
    with example_router() as router:
        use_router(router)  # In a program of yours leave this out: agents then share the router of ./litellm.yaml.
        print(TradingAgent().decide("EURUSD fell 0.4 % on thin volume."))
