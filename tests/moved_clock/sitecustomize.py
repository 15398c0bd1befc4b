"""On PYTHONPATH, it makes each Python that starts as far ahead of the real time as the test that started it."""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["WALL_CLOCK_AHEAD"])).start()
