"""`python -m router_config.simulator`."""

import sys

from router_config.simulator.command import main

sys.exit(main())
