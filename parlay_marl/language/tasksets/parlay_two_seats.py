"""The taskset `parlay_two_seats` of verifiers, deals for a model in each seat: parlay_marl.language.verifiers_tasks."""

from parlay_marl.language.verifiers_tasks import TwoSeatsEnv, TwoSeatsTaskset

__all__ = ["TwoSeatsEnv", "TwoSeatsTaskset"]
