"""A small game of the compiled rules as a game of OpenSpiel, on which its algorithms run as they are.

    import pyspiel, parlay_marl.theory.openspiel
    game = pyspiel.load_game("parlay(scenario=saas_enterprise,rounds=2,prices=5,types=3)")

Player 0 is the buyer, player 1 the seller, actions are the discrete actions of the environments. The first node is
chance's: it draws both seats' types, and the opener where that is random. All that follows was made by the compiled
rules, see `tree`; a state is a place in that tree. Source of the interface: Lanctot et al., OpenSpiel, 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import n_actions
from parlay_marl.errors import ConfigurationError, GameOverError, IllegalMoveError, MissingExtraError
from parlay_marl.theory.small_game import SmallGame, small_game
from parlay_marl.theory.tree import Tree, build_tree

try:
    import pyspiel
except ModuleNotFoundError as error:
    raise MissingExtraError(f'OpenSpiel is not installed ({error.name}); pip install "parlay-marl[solve]"') from None

_DEFAULTS: dict[str, Any] = {
    "scenario": "saas_enterprise",
    "rounds": 2,
    "prices": 5,
    "types": 3,
    "moves": "accept+offer",
    "opener": "",
    "difference": False,
    "tree": "",
}
_GIVEN = {"tree": "given"}
"""The parameters of a game that was made of a tree: its text is not that of another game, and cannot be read."""
_CHANCE = "before the draw"


def _game_type(difference: bool) -> Any:
    """Return OpenSpiel's description of the kind of game."""
    utility = pyspiel.GameType.Utility
    return pyspiel.GameType(
        short_name="parlay",
        long_name="Bargaining between a buyer and a seller (parlay-marl)",
        dynamics=pyspiel.GameType.Dynamics.SEQUENTIAL,
        chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
        information=pyspiel.GameType.Information.IMPERFECT_INFORMATION,
        utility=utility.ZERO_SUM if difference else utility.GENERAL_SUM,
        reward_model=pyspiel.GameType.RewardModel.TERMINAL,
        max_num_players=2,
        min_num_players=2,
        provides_information_state_string=True,
        provides_information_state_tensor=True,
        provides_observation_string=True,
        provides_observation_tensor=True,
        parameter_specification=_DEFAULTS,
    )


def _game_info(tree: Tree, difference: bool) -> Any:
    """Return the sizes of one game."""
    paid = _returns(tree.returns[tree.state < 0], difference)
    sizes: dict[str, Any] = {
        "num_distinct_actions": n_actions(tree.game.config.room),
        "max_chance_outcomes": len(tree.game.draws),
        "num_players": 2,
        "min_utility": float(paid.min()),
        "max_utility": float(paid.max()),
        "max_game_length": len(tree.levels) - 1,
    }
    return pyspiel.GameInfo(**sizes | ({"utility_sum": 0.0} if difference else {}))


def _returns(paid: NDArray[np.float64], difference: bool) -> NDArray[np.float64]:
    """Return the returns of both seats: their payoffs or, for a zero-sum game, the differences to the other's."""
    return paid - paid[..., ::-1] if difference else paid


class ParlayGame(pyspiel.Game):
    """A small game for OpenSpiel.

    `params` are those of `pyspiel.load_game`: scenario, rounds, prices, types, moves joined by `+`, opener, and
    `difference`, with which the return of a seat is its payoff minus the other's: that is zero-sum, as some
    algorithms need. `tree` is any other small game: it can be copied, but neither pickled nor serialized, as OpenSpiel
    keeps a game as the text of its parameters.

    Raises:
        ConfigurationError: where the parameters are of a game that was made of a tree.
    """

    def __init__(
        self, params: Mapping[str, Any] | None = None, tree: Tree | None = None, difference: bool = False
    ) -> None:
        params = dict(params or {}) | ({"difference": True} if difference else {})
        given = _DEFAULTS | params
        if tree is None and given["tree"]:
            raise _no_text()
        self.difference = bool(given["difference"])
        self.tree = build_tree(_game_of(given)) if tree is None else tree
        kept = params if tree is None else params | _GIVEN
        super().__init__(_game_type(self.difference), _game_info(self.tree, self.difference), kept)

    def __getstate__(self) -> Any:
        """Return what is pickled: the parameters."""
        if self.get_parameters().get("tree"):
            raise _no_text()
        return super().__getstate__()

    def __deepcopy__(self, memo: dict[int, Any]) -> ParlayGame:
        """Return the game itself, as it does not change."""
        return self

    def __copy__(self) -> ParlayGame:
        """Return the game itself."""
        return self

    def new_initial_state(self, *_: Any) -> ParlayState:
        """Return the state before chance draws the types."""
        return ParlayState(self, self.tree, self.difference)

    def make_py_observer(self, iig_obs_type: Any = None, params: Any = None) -> ParlayObserver:
        """Return an observer: of what a seat sees now or, with perfect recall, on all of its turns."""
        kind = iig_obs_type or pyspiel.IIGObservationType(perfect_recall=False)
        return ParlayObserver(self.tree, kind, params)


def _no_text() -> ConfigurationError:
    """Return the error for a text or a pickle of a game that was made of a tree."""
    return ConfigurationError(
        "ParlayGame(tree=...) cannot be pickled, nor read from text, which does not hold the tree; make it of its tree "
        "again, or use pyspiel.load_game with parameters"
    )


def _game_of(params: Mapping[str, Any]) -> SmallGame:
    """Return the small game of OpenSpiel's parameters."""
    return small_game(
        params["scenario"],
        types=params["types"],
        max_rounds=params["rounds"],
        price_levels=params["prices"],
        moves=tuple(params["moves"].split("+")),
        opener=params["opener"] or None,
    )


class ParlayState(pyspiel.State):
    """A place in the tree: before the draw of chance, or a node."""

    def __init__(self, game: ParlayGame, tree: Tree, difference: bool) -> None:
        super().__init__(game)
        self._tree, self._difference = tree, difference
        self._node = -1

    def __getstate__(self) -> Any:
        """Return what is pickled: the parameters of the game, and the place."""
        if self.get_game().get_parameters().get("tree"):
            raise _no_text()
        return super().__getstate__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Return another state of the same game in the same place."""
        return self.clone()

    def current_player(self) -> int:
        """Return the player on turn, chance, or that the game is over."""
        if self._node < 0:
            return int(pyspiel.PlayerId.CHANCE)
        owner = int(self._tree.owner[self._node])
        return owner if owner >= 0 else int(pyspiel.PlayerId.TERMINAL)

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """Return each draw with its probability."""
        return [(number, draw.probability) for number, draw in enumerate(self._tree.game.draws)]

    def _legal_actions(self, player: int) -> list[int]:
        states = self._tree.states
        actions: list[int] = states.action[states.entries(self._tree.state[self._node])].tolist()
        return actions

    def _apply_action(self, action: int) -> None:
        """Go to the node that an action leads to; one that is not legal is refused, as OpenSpiel does not check it."""
        if self.is_terminal():
            raise GameOverError(f"action {action}: the game is over")
        is_drawn = self._node < 0
        legal = list(range(len(self._tree.game.draws))) if is_drawn else self._legal_actions(self.current_player())
        if action not in legal:
            raise IllegalMoveError(f"action {action} is not legal here; legal: {', '.join(map(str, legal))}")
        first = 0 if is_drawn else int(self._tree.first_child[self._node])
        self._node = first + legal.index(action)

    def _action_to_string(self, player: int, action: int) -> str:
        if player == pyspiel.PlayerId.CHANCE:
            return self._tree.game.draw_text(action)
        return self._tree.action_text(player, action)

    def is_terminal(self) -> bool:
        """Return whether the game is over."""
        return self._node >= 0 and bool(self._tree.state[self._node] < 0)

    def returns(self) -> list[float]:
        """Return what both players are paid: nothing before the end."""
        if not self.is_terminal():
            return [0.0, 0.0]
        paid: list[float] = _returns(self._tree.returns[self._node], self._difference).tolist()
        return paid

    def information_state_string(self, player: int | None = None) -> str:
        """Return all that a player has seen and done, as text."""
        return _text_of(self._tree, self._node, self.current_player() if player is None else player)

    def observation_string(self, player: int | None = None) -> str:
        """Return the same text as `information_state_string`."""
        return self.information_state_string(player)

    def information_state_tensor(self, player: int | None = None) -> list[float]:
        """Return what a player saw on each of its turns, one observation after the other, zeros for later turns."""
        seat = self.current_player() if player is None else player
        flat: list[float] = _recalled(self._tree, self._node, seat).ravel().tolist()
        return flat

    def observation_tensor(self, player: int | None = None) -> list[float]:
        """Return the environment's observation on the player's latest turn."""
        seat = self.current_player() if player is None else player
        flat: list[float] = _latest(self._tree, self._node, seat).tolist()
        return flat

    def __str__(self) -> str:
        if self._node < 0:
            return _CHANCE
        tree = self._tree
        played = ", ".join(
            tree.action_text(seat, action)
            for seat, action in zip(_seats(tree, self._node), tree.actions_to(self._node), strict=True)
        )
        return f"{tree.game.draw_text(tree.draw_of(self._node))}: {played}"


def _seats(tree: Tree, node: int) -> list[int]:
    """Return the seat of each turn before a node."""
    seats = []
    while tree.parent[node] >= 0:
        node = int(tree.parent[node])
        seats.append(int(tree.owner[node]))
    return seats[::-1]


def _own_state(tree: Tree, node: int, seat: int) -> tuple[int, int]:
    """Return a seat's latest information state up to a node, and the entry of what it did there (-1: nothing yet)."""
    entry = -1
    while node >= 0:
        if tree.owner[node] == seat:
            return int(tree.state[node]), entry
        step = int(tree.edge[node])
        node = int(tree.parent[node])
        entry = step if node >= 0 and tree.owner[node] == seat else entry
    return -1, -1


def _text_of(tree: Tree, node: int, seat: int) -> str:
    """Return what a seat has seen and done, where it is not on turn up to its own last action."""
    if node < 0:
        return _CHANCE
    state, entry = _own_state(tree, node, seat)
    if state < 0:
        draw = tree.game.draws[tree.draw_of(node)]
        return f"{('buyer', 'seller')[seat]} of type {draw.types[seat]}, before its first turn"
    text = tree.states.text[state]
    return text if entry < 0 else f"{text} | {tree.action_text(seat, int(tree.states.action[entry]))}, waits"


def _latest(tree: Tree, node: int, seat: int) -> NDArray[np.float32]:
    """Return what a seat saw on its latest turn; zeros before its first."""
    state = _own_state(tree, node, seat)[0] if node >= 0 else -1
    seen: NDArray[np.float32] = tree.states.observation[state]
    return seen if state >= 0 else np.zeros_like(seen)


def _recalled(tree: Tree, node: int, seat: int) -> NDArray[np.float32]:
    """Return what a seat saw on each of its turns, (turns, fields), zeros for turns to come."""
    states = tree.states
    turns = (len(tree.levels) + 1) // 2
    seen = np.zeros((turns, states.observation.shape[1]), np.float32)
    state = _own_state(tree, node, seat)[0] if node >= 0 else -1
    path = []
    while state >= 0:
        path.append(state)
        before = int(states.previous[state])
        state = int(states.owner[before]) if before >= 0 else -1
    for turn, found in enumerate(reversed(path)):
        seen[turn] = states.observation[found]
    return seen


class ParlayObserver:
    """Writes what a player sees to `tensor`; `dict` has the same by name."""

    def __init__(self, tree: Tree, kind: Any, params: Any) -> None:
        if params:
            raise ValueError(f"observers have no parameters; passed {params}")
        self._tree, self._recalls = tree, kind.perfect_recall
        shape = _recalled(tree, -1, 0).shape if self._recalls else (tree.states.observation.shape[1],)
        self.tensor = np.zeros(int(np.prod(shape)), np.float32)
        self.dict = {"observation": self.tensor.reshape(shape)}

    def set_from(self, state: ParlayState, player: int) -> None:
        """Write what a player sees in a state."""
        seen = _recalled if self._recalls else _latest
        self.dict["observation"][:] = seen(self._tree, state._node, player)

    def string_from(self, state: ParlayState, player: int) -> str:
        """Return the same to read."""
        return _text_of(self._tree, state._node, player)


pyspiel.register_game(_game_type(difference=False), ParlayGame)
