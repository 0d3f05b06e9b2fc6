"""The quality of beliefs over pairs of personas.

All trackers follow each game at once. A belief is compared with the truth when a quarter, half, three quarters and
the whole of its own game has been played, so that every game counts alike at each stage. Every cell plays different
game numbers, so that all games of a report have independent draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from parlay_marl.catalogue.deals import build_any_params
from parlay_marl.catalogue.families import AnyScenario, load_any_scenario
from parlay_marl.catalogue.personas import Persona, persona_names
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Params, scenario_names
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.envs.many import joined
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import whole_number
from parlay_marl.game.position import checked_seed
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.simulation.threads import MOST_THREADS
from parlay_marl.studies.beliefs.report import BeliefReport
from parlay_marl.studies.beliefs.scores import auc, reliability
from parlay_marl.studies.beliefs.tracking import MOST_GAMES, TRACKERS, TUNED_ON, TrackedCell, tracked
from parlay_marl.studies.beliefs.value import value_cells, values_of_belief
from parlay_marl.studies.names import check_names

OnCell = Callable[[int, int], None]
"""Called with the number of finished cells and of all cells."""


class _Deal(NamedTuple):
    """A scenario with the parameters of all trackers, and with those of the tracker that plays."""

    scenario: AnyScenario
    followed: Params
    played: Params


def assess_beliefs(
    personas: Sequence[str | Path | Persona | PersonaPlayer] | None = None,
    scenarios: Sequence[str | Path | AnyScenario] | None = None,
    *,
    games: int = 100,
    seed: int = 0,
    rules: str | Mapping[str, Any] | BaseModel = "default",
    self_play: bool = True,
    value: bool = True,
    threads: int = 1,
    on_cell: OnCell | None = None,
) -> BeliefReport:
    """Play every ordered pair of personas over every scenario with both openers, and assess their beliefs.

    `games` is the number of games in each cell: a buyer, a seller, a scenario and an opener. None takes the whole
    catalogue, except scenarios with public limits, where there are no beliefs. With `self_play` each persona also
    plays itself. With `value` each persona that uses its belief also plays with and without it. The report depends
    neither on the order of the names nor on the number of `threads`, which share the cells. `on_cell` is called with
    the number of cells that are done and the number of all cells. Raises `ConfigurationError` before the first game
    for arguments that cannot be used.
    """
    loaded = [as_persona(persona) for persona in (persona_names() if personas is None else personas)]
    entrants, hidden = sorted(loaded, key=lambda persona: persona.name), _hidden(scenarios)
    games, seed = whole_number("games", games, 1, MOST_GAMES), checked_seed(seed)
    threads = whole_number("threads", threads, 1, MOST_THREADS)
    check_names("persona", [entrant.name for entrant in entrants])
    check_names("scenario", [scenario.name for scenario in hidden])
    for entrant, scenario in product(entrants, hidden):
        entrant.check_room(scenario)
    pairs, numbers = _pairs(entrants, self_play), load_rules(rules)
    deals = [_deal(scenario, numbers) for scenario in hidden]
    cells = list(_cells(pairs, deals))
    with_and_without = value_cells(pairs, [deal.played for deal in deals]) if value else []
    step = _counter(len(cells) + len(with_and_without), on_cell)
    tallies, claims = tracked(cells, games, seed, threads, step)
    values = values_of_belief(with_and_without, games, seed, threads, step)
    names = tuple(entrant.name for entrant in entrants)
    return BeliefReport(
        seed=seed,
        games_per_cell=games,
        rules=rules if isinstance(rules, str) else "custom",
        personas=names,
        scenarios=tuple(scenario.name for scenario in hidden),
        tuned_on=tuple(name for name in TUNED_ON if name in names),
        trackers={tracker: tally.quality() for tracker, tally in tallies.items()},
        claims=len(claims.doubts),
        bluffs=int(claims.bluffs.sum()),
        bluff_auc=auc(*claims),
        bluff_reliability=reliability(*claims),
        value_of_belief=values,
    )


def _hidden(scenarios: Sequence[str | Path | AnyScenario] | None) -> list[AnyScenario]:
    """Return scenarios by name; one with public limits is refused if named, and left out otherwise."""
    loaded = [load_any_scenario(scenario) for scenario in (scenario_names() if scenarios is None else scenarios)]
    hidden = [scenario for scenario in loaded if scenario.information == "incomplete"]
    if scenarios is not None and len(hidden) < len(loaded):
        public = next(scenario.name for scenario in loaded if scenario.information == "complete")
        raise ConfigurationError(
            f"scenario {public!r}: both limits are public, there is nothing to believe; leave it out"
        )
    return sorted(hidden, key=lambda scenario: scenario.name)


def _pairs(entrants: Sequence[PersonaPlayer], self_play: bool) -> list[tuple[PersonaPlayer, PersonaPlayer]]:
    """Return the ordered pairs of personas."""
    if len(entrants) == 1 and not self_play:
        raise ConfigurationError(
            f"personas: {entrants[0].name!r} has nobody to play; name another, or let it self_play"
        )
    return [(buyer, seller) for buyer in entrants for seller in entrants if self_play or buyer is not seller]


def _deal(scenario: AnyScenario, rules: BaseModel) -> _Deal:
    """Return a scenario with its parameters.

    Those of the playing tracker are read-only, like a tournament's, so that the same compiled kernel plays both.
    """
    records = [build_any_params(scenario, rules, reward="payoff", beliefs=tracker) for tracker in TRACKERS]
    return _Deal(scenario, joined(records, PARAMS_DTYPE), records[0])


def _cells(pairs: Sequence[tuple[PersonaPlayer, PersonaPlayer]], deals: Sequence[_Deal]) -> Iterator[TrackedCell]:
    """Yield the cells of all pairs."""
    for deal, (buyer, seller), opener in product(deals, pairs, (BUYER, SELLER)):
        yield TrackedCell(buyer, seller, deal.scenario, deal.followed, opener)


def _counter(total: int, on_cell: OnCell | None) -> Callable[[], None]:
    """Report 0 finished cells to `on_cell`, and return a function that reports one more at each call."""
    done = iter(range(total + 1))

    def step() -> None:
        if on_cell is not None:
            on_cell(next(done), total)

    step()
    return step
