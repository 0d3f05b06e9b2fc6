"""All games of a cell at once, turn by turn, with a policy in a seat that is called for its moves.

All games of a cell have the same opener, so that the same seat is on turn in each: a turn is one kernel call for a
persona, and one call with all open games for a policy. The games are the same as in the kernel: game k of the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.deals import with_room
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core import observation as observed
from parlay_marl.core.moves import Move, n_actions
from parlay_marl.core.outcome import NONE, OUTCOME_DTYPE
from parlay_marl.core.state import state_dtype
from parlay_marl.core.step import forfeit_game, observe_game, report_games, reset_games, step_games
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.envs.many import joined
from parlay_marl.errors import PolicyError
from parlay_marl.game.action import Action
from parlay_marl.game.refusals import action_text, refusal_text
from parlay_marl.players.persona import AnyPlayer, PersonaPlayer, drawn_records
from parlay_marl.players.scripted import choose_move, play_turns, seated
from parlay_marl.tournament.executors.cell_games import CellGames


class BatchedCell(CellGames):
    """The games of a cell between personas and policies that play batches.

    A policy that fails forfeits all open games; one that plays illegally forfeits that game.
    """

    def __init__(self, players: Sequence[AnyPlayer], params: Params, opener: int, games: int, seed: int) -> None:
        super().__init__(games)
        self._params, self._seat = with_room(params, games), opener
        self._players = players
        self._packages = int(params[0]["scenario"]["packages"])
        self._rows = np.zeros(games, state_dtype(self._packages))
        self._observations = np.zeros((games, observed.width(self._packages)), np.float32)
        self._masks = np.zeros((games, n_actions(self._packages)), np.int8)
        self._actions, self._refusals = np.full(games, -1, np.int64), np.zeros(games, np.int8)
        self._choice = np.zeros(1, CHOICE_DTYPE)
        self._records = [self._records_of(player, seat, seed) for seat, player in enumerate(players)]
        self._begin(seed)

    def _records_of(self, player: AnyPlayer, seat: int, seed: int) -> Any:
        """Return the records of the personas in a seat: one for all games, or of a family one for each; else None."""
        if not isinstance(player, PersonaPlayer):
            return None
        return drawn_records(player, seed, len(self._rows), seat) if player.is_family else player.record

    def _begin(self, seed: int) -> None:
        """Begin all games as the kernel does, with the event sensitivities of the personas."""
        n = len(self._rows)
        size = max([1, *(len(records) for records in self._records if records is not None)])
        own = ([None if each is None else each[i % len(each) :] for each in self._records] for i in range(size))
        draws = [seated(records, self._seat) for records in own]
        fixed = joined(draws, draws[0].dtype)
        fixed.flags.writeable = False
        blank, numbers, scenarios = np.zeros(1, self._rows.dtype), np.arange(n), np.zeros(n, np.int32)
        reset_games(self._rows, self._params, blank, fixed, np.uint64(seed), numbers, scenarios)
        if self._records[self._seat] is None:
            for i in range(n):
                view = self._observations[i], self._masks[i]
                observe_game(self._rows, self._params, i, self._seat, self._packages, *view)

    def play(self, turns: int | None = None) -> None:
        """Play all games to their ends, or as many turns of them."""
        played = 0
        while (self._rows["ending"] == NONE).any() and played != turns:
            player = self._players[self._seat]
            if isinstance(player, PersonaPlayer):
                self._record_persona(player)
                view = self._observations, self._masks
                index = -1 if player.is_family else 0
                records = self._records[self._seat]
                play_turns(self._rows, self._params, records, player.weights, index, self._packages, *view)
            else:
                self._ask(player)
            self._seat = 1 - self._seat
            played += 1

    def outcomes(self) -> Any:
        """Return the outcomes of the games, `(games,)` of `OUTCOME_DTYPE`."""
        outcomes = np.zeros(len(self._rows), OUTCOME_DTYPE)
        report_games(self._rows, self._params, outcomes)
        return outcomes

    def _ask(self, policy: Any) -> None:
        """Let the policy on turn play in all open games."""
        open_games = np.flatnonzero(self._rows["ending"] == NONE)
        try:
            self._actions[open_games] = policy.act(self._observations[open_games], self._masks[open_games])
        except PolicyError as fault:
            self._forfeit(open_games, self._seat, str(fault))
            return
        self._refusals[:] = 0
        step_games(
            self._rows, self._params, self._actions, self._packages, self._observations, self._masks, self._refusals
        )
        for i in np.flatnonzero(self._refusals):
            action = int(self._actions[i])
            what = "an answer that is no action"
            if action >= 0:
                what = action_text(action, action, self._seat, self._packages)
            self._forfeit([i], self._seat, refusal_text(self._seat, what, int(self._refusals[i])))
        if self.recorded in open_games and not self._refusals[self.recorded]:
            self.actions.append(int(self._actions[self.recorded]))

    def _forfeit(self, numbers: Any, seat: int, reason: str) -> None:
        """End games by a forfeit of a seat."""
        for i in numbers:
            forfeit_game(self._rows, self._params, int(i), seat)
        self._count_forfeit(numbers, seat, reason)

    def _record_persona(self, player: PersonaPlayer) -> None:
        """Record the next action of a persona in the recorded game."""
        i = self.recorded
        if i >= 0 and self._rows["ending"][i] == NONE:
            records = self._records[self._seat]
            choose_move(self._rows, self._params, i, records, player.weights, i % len(records), self._choice)
            move, price, package = self._choice[0].item()
            self.actions.append(Action(Move(move), price, package))


class LastAction:
    """A policy that plays the last legal action, used to compile what games with policies need."""

    name = "last_action"

    def act(self, _: NDArray[np.float32], masks: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return the last legal action of each row."""
        return np.asarray(masks.shape[1] - 1 - masks[:, ::-1].argmax(axis=1))
