import sys

from router_config.cli import main

sys.exit(main())
