"""The taskset `parlay_one_seat` of verifiers, deals for a model in one seat: parlay_marl.language.verifiers_tasks."""

from parlay_marl.language.verifiers_tasks import OneSeatEnv, OneSeatTaskset

__all__ = ["OneSeatEnv", "OneSeatTaskset"]
