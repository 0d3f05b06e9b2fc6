"""All groups of digests by interface, and the file that holds them as they were.

Each group says how many games it is of, and the first digits of the SHA-256 of all results: rewards, observations,
masks, infos, outcomes, texts and messages. Where a change of results is meant, `python -m tests.digests --write` makes
the file anew, `--write champion` the groups of one interface. `adapter.py` holds all that the digests know of the
inside of the package.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.digests import many_games, outside, single_games
from tests.digests.single_games import Groups

FILE = Path(__file__).parent / "digests.toml"
HEADING = "# Digests of games through every interface, by group; see tests/digests/groups.py.\n"

Interfaces = dict[str, dict[str, str]]


def champion() -> Groups:
    """Yield the digests of the champion, which change when it is trained anew."""
    yield "alone", single_games.champion_alone()
    yield "between personas", single_games.champion_between_personas()
    yield "in a tournament", many_games.champion_in_a_tournament()
    yield "in lanes", many_games.champion_in_lanes()
    yield "on a server", outside.champion_on_a_server()
    yield "watched", outside.champion_watched()


INTERFACES: Mapping[str, Callable[[], Groups]] = {
    "aec": single_games.aec,
    "settings": single_games.settings,
    "mixed": single_games.mixed,
    "parallel": single_games.parallel,
    "single": single_games.single,
    "play_game": single_games.play_game,
    "records": single_games.records,
    "inference": single_games.inference,
    "policies": single_games.policies,
    "vector": many_games.vector,
    "batch": many_games.batch,
    "tournament": many_games.tournaments,
    "evaluation": many_games.evaluations,
    "openenv": outside.openenv,
    "first_protocol": outside.first_protocol,
    "watch": outside.watch,
    "champion": champion,
}


def digests_of(interface: str) -> dict[str, str]:
    """Return the digests of all groups of an interface, by their names."""
    return {name: str(digest) for name, digest in INTERFACES[interface]()}


def read() -> Interfaces:
    """Return the digests in the file."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def write(interfaces: Interfaces) -> None:
    """Write digests into the file, in the order of the interfaces."""
    parts = [HEADING]
    for interface in INTERFACES:
        lines = [f'"{name}" = "{digest}"\n' for name, digest in interfaces.get(interface, {}).items()]
        parts.append(f"\n[{interface}]\n{''.join(lines)}")
    FILE.write_text("".join(parts), encoding="utf-8")


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return a line for each group that differs, is missing, or is new."""
    return [
        f"{name}: {found.get(name, 'nothing')}, not {expected.get(name, 'nothing')}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
