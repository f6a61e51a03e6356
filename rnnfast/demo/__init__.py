"""The program behind `rnnfast demo`: train, save, serve and stream a recurrent model on real data."""

from rnnfast.demo.program import run

__all__ = ["run"]
