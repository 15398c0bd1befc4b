"""An answer as a validated pydantic model. One that does not fit is sent back once, with what is wrong in it.

python examples/structured_answer.py
"""

from typing import Literal

from example_router import example_router
from pydantic import BaseModel, Field

from router_config.adapters import BaseAgent, InvalidAnswer


class Order(BaseModel):
    side: Literal["buy", "sell", "hold"]
    amount: int = Field(ge=0, le=100, description="shares")
    reason: str


class Trader(BaseAgent):
    system_prompt = "You are a careful trader."


if __name__ == "__main__":
    # What the simulated providers say: a model of their own they have not.
    with example_router(answer='Sure! {"side": "hold", "amount": 0, "reason": "thin volume"}') as router:
        try:
            order = Trader(router=router).ask_for("EURUSD fell 0.4 % on thin volume. Your order?", Order)
        except InvalidAnswer as error:
            print("no usable answer:", error)
        else:
            print(order.side, order.amount, "because:", order.reason)
