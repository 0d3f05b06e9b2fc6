"""Learned policies in tournaments: they play in the kernel, and what is stored is bound to their files."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.catalogue import personas as catalogue
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.errors import ConfigurationError, PolicyFileError
from parlay_marl.policies.policy import write_policy
from parlay_marl.render.web.held import HeldReplays
from parlay_marl.tournament import Games, analyse, replay_game, run_tournament
from parlay_marl.tournament.entrants import load_entrant, recalled
from parlay_marl.tournament.games import POLICY_DIGEST
from parlay_marl.tournament.replay import rows_of
from parlay_marl.tournament.report.page import report_data
from tests.helpers import content
from tests.policies.networks import ROOM, learned, network
from tests.tournament.test_replay import outcome, stored

CLERK = """
title = "The clerk"
summary = "Has learned."
policy = "traits.safetensors"
traits = { aggression = 0.9 }
drift = { tension = 40, traits = { aggression = 0.1 } }
"""
DEALS = ["hiring_package_terms", "uniform"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_policy(tmp_path / "pupil.safetensors", network(packages=ROOM))
    write_policy(tmp_path / "traits.safetensors", network(packages=ROOM, traits=TRAIT_INPUTS, seed=1))
    (tmp_path / "clerk.toml").write_text(CLERK)
    return tmp_path


def played(folder: Path, **more: Any) -> Games:
    entrants = [folder / "pupil.safetensors", str(folder / "clerk.toml"), "shark"]
    return run_tournament(entrants, DEALS, **({"games": 6, "seed": 3} | more))


def test_they_are_personas_that_bring_the_digest_of_their_file(folder: Path) -> None:
    for given, name, file in (("pupil.safetensors", "pupil", "pupil"), ("clerk.toml", "clerk", "traits")):
        entrant = load_entrant(folder / given)
        assert entrant.player is not None
        policy = folder / f"{file}.safetensors"
        assert (entrant.name, entrant.info.kind, entrant.recipe) == (name, "persona", None)
        assert entrant.info.source[POLICY_DIGEST] == sha256(policy.read_bytes()).hexdigest()
        assert entrant.info.persona == entrant.player.persona
        assert entrant.info.source["policy"] == str(policy)
    assert POLICY_DIGEST not in load_entrant("shark").info.source
    assert load_entrant("shark").info.policy_digest is None


def test_a_policy_of_the_catalogue_keeps_its_relative_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", folder)
    info = load_entrant("clerk").info
    assert info.source["policy"] == "traits.safetensors"
    player = recalled(info).player
    assert player is not None
    assert player.persona == info.persona


def test_games_are_stored_read_and_replayed_and_do_not_depend_on_threads(folder: Path) -> None:
    games = played(folder, out=folder / "out")
    read = Games.read(folder / "out" / "games.parquet")
    assert content(read.rows["outcome"].copy()) == content(games.rows["outcome"].copy())
    assert content(played(folder, threads=2).rows["outcome"].copy()) == content(games.rows["outcome"].copy())
    assert (games.rows["forfeit_by"] == -1).all()
    for index in range(0, len(read.rows), 2):
        assert outcome(replay_game(read, index)) == stored(read, index)


def test_a_file_that_is_written_over_meanwhile_plays_on_as_it_was(folder: Path) -> None:
    games = played(folder)

    def overwrite(done: int, total: int) -> None:
        write_policy(folder / "pupil.safetensors", network(packages=ROOM, seed=50 + done % 2))

    again = played(folder, on_cell=overwrite)
    assert content(again.rows["outcome"].copy()) == content(games.rows["outcome"].copy())
    assert again.entrants == games.entrants


def test_a_replay_refuses_a_file_that_has_changed_or_is_gone(folder: Path) -> None:
    games = played(folder)
    of_pupil, of_clerk = (int(rows_of(games, buyer=name, seller="shark")[0]) for name in ("pupil", "clerk"))
    write_policy(folder / "pupil.safetensors", network(packages=ROOM, name="renamed"))
    with pytest.raises(
        ConfigurationError,
        match=r"pupil\.safetensors: the policy of 'pupil' has changed since .* from SHA-256 \w{12} to \w{12}; put",
    ):
        replay_game(games, of_pupil)
    replay_game(games, of_clerk)
    (folder / "traits.safetensors").unlink()
    with pytest.raises(PolicyFileError, match=r"the entrant 'clerk' cannot be loaded again: .*cannot be read: No such"):
        replay_game(games, of_clerk)
    replay_game(games, int(rows_of(games, buyer="shark", seller="shark")[0]))


def test_a_report_of_games_whose_policy_is_gone_leaves_their_course_out(folder: Path) -> None:
    games = played(folder)
    names, analysis = games.names, analyse(games)
    pair = names.index("pupil") * 3 + names.index("shark")
    with_files = report_data(games, analysis, HeldReplays())
    assert with_files["offers"]["scenarios"][0]["pairs"][pair]["transcripts"]
    digest = games.entrants[names.index("pupil")].policy_digest
    assert f"SHA-256 {digest}." in with_files["about"][names.index("pupil")]
    assert str(folder / "pupil.safetensors") in with_files["command"]
    (folder / "pupil.safetensors").unlink()
    without = report_data(games, analysis, HeldReplays())
    assert without["offers"]["scenarios"][0]["pairs"][pair] is None
    assert without["offers"]["scenarios"][0]["pairs"][names.index("clerk") * 3 + names.index("shark")]["transcripts"]
    assert without["analysis"] == with_files["analysis"]


def test_a_policy_at_hand_plays_and_cannot_be_brought_back() -> None:
    games = run_tournament([learned("novice"), "shark"], ["uniform"], games=2)
    assert games.entrants[0].policy_digest == ""
    with pytest.raises(ConfigurationError, match="'novice' was played by a policy that was no file"):
        replay_game(games, int(rows_of(games, buyer="novice")[0]))


def test_a_learned_persona_meets_a_policy_that_is_asked(folder: Path) -> None:
    entrants = [folder / "pupil.safetensors", "tests.tournament.policies:Policy"]
    games = run_tournament(entrants, ["hiring_package_terms"], games=5, seed=3, workers=0)
    index = int(rows_of(games, buyer="pupil", seller="policy")[2])
    assert outcome(replay_game(games, index, workers=0)) == stored(games, index)


def test_every_cell_has_room_before_anything_is_played(folder: Path) -> None:
    entrants = ["shark", learned("small", packages=2)]
    with pytest.raises(ConfigurationError, match="'small' is played by a policy with room for 2 packages, but 'acq"):
        run_tournament(entrants, ["uniform", "acquisition_terms"], games=1, out=folder / "o", on_cell=nobody_plays)
    assert not (folder / "o").exists()


def nobody_plays(done: int, total: int) -> None:
    pytest.fail("a cell was played")


def test_a_policy_for_prices_plays_deals_with_terms(folder: Path) -> None:
    write_policy(folder / "prices.safetensors", network(packages=1))
    games = run_tournament([folder / "prices.safetensors", "nash"], DEALS, games=20)
    index = int(rows_of(games, buyer="prices", seller="nash", scenario="hiring_package_terms")[3])
    assert outcome(replay_game(games, index)) == stored(games, index)


def test_two_policies_of_one_name_are_told_apart_by_giving_one_another(folder: Path) -> None:
    (folder / "b").mkdir()
    write_policy(folder / "b" / "pupil.safetensors", network(packages=ROOM, seed=2))
    with pytest.raises(ConfigurationError, match="the entrant 'pupil' is named twice"):
        run_tournament([folder / "pupil.safetensors", folder / "b" / "pupil.safetensors"], ["uniform"])
    (folder / "b.toml").write_text('title = "B"\nsummary = "B."\npolicy = "b/pupil.safetensors"\n')
    games = run_tournament([folder / "pupil.safetensors", folder / "b.toml"], ["uniform"], games=2)
    assert games.names == ("b", "pupil")


def test_old_files_of_games_are_read_without_a_policy() -> None:
    games = run_tournament(["shark"], ["uniform"], games=1)
    (shark,) = games.entrants
    source = {key: value for key, value in shark.source.items() if key != "policy"}
    old = replace(games, entrants=(replace(shark, source=source),))
    assert outcome(replay_game(old, 0)) == stored(games, 0)
