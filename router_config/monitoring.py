"""`monitoring` under a name that no other package has: `from router_config import monitoring`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitoring import ConfiguredSource as ConfiguredSource
    from monitoring import StatusSource as StatusSource
    from monitoring import router_for as router_for
    from monitoring import sub_app_for as sub_app_for
else:
    from router_config.own_packages import stand_for

    stand_for(__name__, "monitoring")
