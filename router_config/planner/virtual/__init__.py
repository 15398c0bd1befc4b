"""The router on a virtual clock: requests, reservations, attempts that fail, and those who wait."""
