"""The parts of the soak: the faults, the callers, the table."""
