"""`router-config demo`: simulated providers, a real Router, and a few agents that ask it without pause."""

from monitoring.demo.command import run

__all__ = ["run"]
