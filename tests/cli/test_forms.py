"""The form of the games: every command that plays them takes the same options, and says what was played."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.form_fields import FormSettings
from parlay_marl.option import flags
from tests.cli.conftest import Parlay, long_flags

COMMANDS = ("watch", "play", "evaluate", "exploit", "tournament", "arena", "train")
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_take_the_same_options(command: str) -> None:
    assert set(flags(FormSettings).values()) <= long_flags(command)


@every_protocol
def test_watch_shows_every_protocol(parlay: Parlay, protocol: str) -> None:
    result, usual = parlay("watch", "boulware", "conceder", "--protocol", protocol, "--seed", "3"), "alternating_offers"
    assert result.exit_code == 0, result.output
    assert (f"protocol {protocol};" in " ".join(result.stdout.split())) == (protocol != usual)
    small = ("--price-levels", "5", "--no-events")
    assert parlay("watch", "boulware", "conceder", "--protocol", protocol, "--seed", "3", *small).exit_code == 0


@every_protocol
def test_a_person_plays_every_protocol(parlay: Parlay, protocol: str) -> None:
    typed = "help\noffer 145000\naccept\nsilence\nwalk\n" + "silence\n" * 60
    result = parlay("play", "--protocol", protocol, "--seed", "3", "-o", "linear", typed=typed)
    assert result.exit_code == 0, result.output


@every_protocol
def test_a_tournament_says_what_it_plays(parlay: Parlay, protocol: str, tmp_path: Path) -> None:
    file, usual = tmp_path / "results.json", protocol == "alternating_offers"
    done = parlay(
        "tournament", "linear", "shark", "-s", "uniform", "-n", "2", "--protocol", protocol, "--json", str(file)
    )
    assert done.exit_code == 0, done.output
    assert json.loads(file.read_text())["form"] == ({} if usual else {"protocol": protocol})
    assert (f"protocol {protocol}" in " ".join(done.stdout.split())) != usual


@every_protocol
def test_an_evaluation_says_what_it_plays(parlay: Parlay, protocol: str, tmp_path: Path) -> None:
    file, usual = tmp_path / "results.json", protocol == "alternating_offers"
    few = ("-n", "2", "-o", "shark", "--reply", "linear", "-s", "uniform", "--json", str(file))
    done = parlay("evaluate", "champion", *few, "--protocol", protocol)
    assert done.exit_code == 0, done.output
    assert json.loads(file.read_text())["form"] == ({} if usual else {"protocol": protocol})
    assert (f"protocol {protocol}" in " ".join(done.stdout.split())) != usual


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("watch", "linear", "shark", "--protocol", "auction"), "error: watch: --protocol: Input should be"),
        (("tournament", "linear", "--price-levels", "1"), "error: tournament: --price-levels: Input should be"),
        (("arena", "m", "--price-share", "much"), "error: arena: --price-share: Input should be a valid number"),
        (("evaluate", "champion", "--rounds", "0"), "error: evaluate: --rounds: Input should be"),
        (("play", "--moves", "accept"), "error: moves: every game has accept and offer"),
        (
            ("watch", "linear", "shark", "--protocol", "sealed_bid", "--rounds", "3"),
            "max_rounds: in sealed_bid it is 1",
        ),
        (("tournament", "linear", "--protocol", "sealed_bid"), "is about a price alone, and"),
    ],
)
def test_wrong_forms_are_refused_in_a_line(parlay: Parlay, arguments: tuple[str, ...], message: str) -> None:
    done = parlay(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(re.findall("error", done.stderr)) == 1
