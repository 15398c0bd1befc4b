"""`adapters` under a name that no other package has: `from router_config.adapters import BaseAgent`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters import BaseAgent as BaseAgent
    from adapters import InvalidAnswer as InvalidAnswer
    from adapters import use_router as use_router
else:
    from router_config.own_packages import stand_for

    stand_for(__name__, "adapters")
