"""The entrants of a tournament: personas, policies and players, and objects at import paths."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib
import inspect
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from parlay_marl.catalogue.personas import Persona, is_import_path, persona_names
from parlay_marl.errors import ConfigurationError, PolicyFileError, UnknownNameError
from parlay_marl.players.persona import PersonaPlayer, as_persona, persona_called
from parlay_marl.players.player import BatchedPlayer, Player
from parlay_marl.players.schemes import has_scheme, home_of_scheme, player_of_scheme
from parlay_marl.printable import escaped
from parlay_marl.studies.names import check_names
from parlay_marl.tournament.games import POLICY_DIGEST, EntrantInfo

LONGEST_NAME = 60

Policy = BatchedPlayer | Player
"""An object that is called for its moves."""


class Recipe(NamedTuple):
    """The source of a policy: its import path, or a pickle of it.

    A new policy is made for every cell and seat, so that it has no memory of earlier games; slow loading belongs into
    its module.
    """

    path: str = ""
    pickled: bytes = b""
    module: str = ""
    """The module in which it or its class is defined."""
    plays_views: bool = False
    """True for a `Player`, which plays one game at a time."""

    def make(self) -> Policy:
        """Return the policy in its initial state."""
        if self.path:
            return load_policy(self.path)
        policy: Policy = pickle.loads(self.pickled)
        return policy


@dataclass(frozen=True, eq=False)
class Entrant:
    """An entrant ready to play: a persona or the recipe of a policy."""

    info: EntrantInfo
    player: PersonaPlayer | None = None
    recipe: Recipe | None = None

    @property
    def plays_views(self) -> bool:
        """Return whether it is a `Player`, which plays one game at a time."""
        return self.recipe is not None and self.recipe.plays_views

    @property
    def name(self) -> str:
        """The name of the entrant."""
        return self.info.name


EntrantLike = str | Path | Persona | PersonaPlayer | Policy | Entrant
"""Anything that `load_entrant` accepts."""


def load_entrants(entrants: Sequence[EntrantLike] | None) -> tuple[Entrant, ...]:
    """Return entrants sorted by name, the whole catalogue for None; refuse repeated names."""
    loaded = [load_entrant(entrant) for entrant in (persona_names() if entrants is None else entrants)]
    check_names("entrant", [entrant.name for entrant in loaded])
    return tuple(sorted(loaded, key=lambda entrant: entrant.name))


def load_entrant(entrant: EntrantLike) -> Entrant:
    """Return an entrant from a persona, its name or its file, a player or policy, or an import path `module:Name`.

    `negmas:Name` is a negotiator of NegMAS, `chat:MODEL` a language model.
    """
    if isinstance(entrant, Entrant):
        return entrant
    if isinstance(entrant, str) and (has_scheme(entrant) or is_import_path(entrant)):
        return _from_path(entrant)
    if isinstance(entrant, str):
        return _from_persona(persona_called(entrant))
    if isinstance(entrant, Path | Persona | PersonaPlayer):
        return _from_persona(as_persona(entrant))
    return _from_object(entrant)


def recalled(info: EntrantInfo) -> Entrant:
    """Return an entrant from its description in a file of games."""
    if info.kind == "persona":
        return Entrant(info, recalled_persona(info))
    if "import" not in info.source:
        raise ConfigurationError(
            f"the entrant {info.name!r} was an object of {info.source.get('object')}, which the file does not hold; "
            "only policies given by import path can be loaded again"
        )
    entrant = _from_path(str(info.source["import"]))
    if entrant.name != info.name:
        raise ConfigurationError(
            f"{info.source['import']} is called {entrant.name!r} now, but {info.name!r} in the file of games; "
            "the policy has changed since"
        )
    return entrant


def recalled_persona(info: EntrantInfo) -> PersonaPlayer:
    """Return a persona from its description in a file of games; refuse a learned policy that has changed since."""
    persona = info.persona
    assert persona is not None
    if info.policy_digest == "":
        raise ConfigurationError(
            f"the entrant {info.name!r} was played by a policy that was no file, so it cannot be loaded again; "
            "write policies to files before they play"
        )
    try:
        player = PersonaPlayer(persona)
    except PolicyFileError as error:
        raise PolicyFileError(f"the entrant {info.name!r} cannot be loaded again: {error}") from None
    if info.policy_digest is not None and player.policy_digest != info.policy_digest:
        raise ConfigurationError(
            f"{persona.policy_path}: the policy of {info.name!r} has changed since the games were played, from SHA-256 "
            f"{info.policy_digest[:12]} to {player.policy_digest[:12]}; put the old file back"
        )
    return player


def load_policy(path: str) -> Policy:
    """Return the policy at an import path: a class or factory is called, an instance copied.

    Output of its code goes to standard error meanwhile: standard output is for results.
    """
    with contextlib.redirect_stdout(sys.stderr):
        return _loaded_policy(path)


def _loaded_policy(path: str) -> Policy:
    if has_scheme(path):
        return checked_policy(player_of_scheme(path), path)
    thing = _found(path)
    if inspect.isclass(thing) or not hasattr(thing, "act"):
        if not callable(thing):
            raise ConfigurationError(f"{path}: {_lack(thing)}")
        try:
            policy = thing()
        except Exception as error:
            raise ConfigurationError(
                f"{path}: calling it without arguments fails: {in_words(error)}; "
                "give a class or a factory that needs none, or an instance"
            ) from error
    else:
        policy = copy.deepcopy(thing)
    return checked_policy(policy, path)


def checked_policy(policy: Any, what: str) -> Policy:
    """Return a policy with a name and a method `act`; for another object, raise an error that says what it lacks."""
    if inspect.isclass(policy) or not callable(getattr(policy, "act", None)):
        raise ConfigurationError(f"{what}: {_lack(policy)}")
    name = getattr(policy, "name", None)
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(
            f"{what}: its `name` must be text of 1 to {LONGEST_NAME} characters in one line, not {name!r}"
        )
    checked: Policy = policy
    return checked


def in_words(error: BaseException) -> str:
    """Return the kind and the message of an error in one short line; both may be unreadable."""
    kind = _read(lambda: f"{type(error).__name__}: ", "an error without a readable name: ")
    text = _read(lambda: escaped(" ".join(str.split(str(error)))), "(without a readable message)")
    return f"{kind}{text[:300]}".removesuffix(": ")


def _read(text: Callable[[], str], otherwise: str) -> str:
    """Return a text from an entrant's code, or `otherwise` where that fails."""
    try:
        return text()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return otherwise


def _from_persona(player: PersonaPlayer) -> Entrant:
    """Return the entrant of a persona."""
    source = player.persona.model_dump(mode="json")
    if player.policy is not None:
        source[POLICY_DIGEST] = player.policy_digest
    return Entrant(EntrantInfo(player.name, "persona", source), player)


def _from_path(path: str) -> Entrant:
    """Return the entrant of an import path."""
    policy = load_policy(path)
    module = home_of_scheme(path) if has_scheme(path) else path.partition(":")[0]
    source = {"import": path, "sha256": _file_digest(module)}
    return Entrant(
        EntrantInfo(policy.name, "policy", source),
        recipe=Recipe(path, module=module, plays_views=isinstance(policy, Player)),
    )


def _from_object(policy: Any) -> Entrant:
    """Return the entrant of an object."""
    checked = checked_policy(policy, repr(policy))
    kind = type(checked)
    source = {"object": f"{kind.__module__}.{kind.__qualname__}"}
    try:
        pickled = pickle.dumps(checked)
    except Exception as error:
        raise ConfigurationError(
            f"{checked.name!r} cannot be copied for each of its cells: {in_words(error)}; "
            "give its import path instead, as `module:Name`"
        ) from error
    recipe = Recipe(pickled=pickled, module=kind.__module__, plays_views=isinstance(checked, Player))
    return Entrant(EntrantInfo(checked.name, "policy", source), recipe=recipe)


def _found(path: str) -> Any:
    """Return the object at an import path."""
    module_name, _, name = path.partition(":")
    if not all(part.isidentifier() for part in [*module_name.split("."), *name.split(".")]):
        raise ConfigurationError(f"{path!r} is no import path; write it as `package.module:Name`")
    try:
        thing: Any = importlib.import_module(module_name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name in _parents(module_name):
            raise ConfigurationError(
                f"{path}: there is no module {error.name!r}; install it, or put its folder into PYTHONPATH"
            ) from None
        raise ConfigurationError(f"{path}: importing {module_name} fails: {in_words(error)}") from error
    for part in name.split("."):
        if not hasattr(thing, part):
            known = [other for other in dir(thing) if not other.startswith("_")]
            raise UnknownNameError(f"name in {module_name},", part, known)
        thing = getattr(thing, part)
    return thing


def _parents(module: str) -> list[str]:
    """Return the names of a module and of the packages that it is in."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _lack(thing: Any) -> str:
    """Return the reason why an object cannot play."""
    if isinstance(thing, type):
        return f"{thing!r:.80} is a class; give one that is made, such as {thing.__name__}(), or its import path"
    return (
        f"{thing!r:.80} has no method `act(observations, masks)`, which a policy must have beside its `name`; "
        "a player of one game at a time is a `Player`"
    )


def _file_digest(module: str) -> str:
    """Return the SHA-256 of a module's file, empty where it has none."""
    file = getattr(sys.modules[module], "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
