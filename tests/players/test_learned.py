"""A learned policy in a seat: by its file or a persona's, with its persona's traits, and everywhere the same."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import parlay_marl  # noqa: F401 - registers the environment
from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.catalogue import personas as catalogue
from parlay_marl.catalogue.personas import Persona
from parlay_marl.core.moves import SEATS, Move, decode
from parlay_marl.core.observation import names
from parlay_marl.core.step import observe_game
from parlay_marl.core.style import CHOICE_DTYPE, TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import CatalogueError, ConfigurationError, PolicyFileError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.players.packages import yielding_package
from parlay_marl.players.persona import NO_WEIGHTS, PersonaPlayer, as_persona, as_player, persona_tables
from parlay_marl.players.scripted import choose_move
from parlay_marl.players.voice import drifted_now
from parlay_marl.policies.policy import Policy, read_policy, write_policy
from parlay_marl.simulation.cells import play_cell
from parlay_marl.studies.beliefs import assess_beliefs
from parlay_marl.studies.recorded import recorded
from parlay_marl.tournament import run_tournament
from parlay_marl.tournament.executors.batched import BatchedCell
from tests.helpers import SCENARIOS, content, pick
from tests.policies.networks import ROOM, learned, network

APPRENTICE = """
title = "The apprentice"
summary = "Plays what it has learned."
policy = "pupil.safetensors"

[traits]
aggression = 0.75

[voice]
open = ["I have learned to say {price}."]
"""


@pytest.fixture
def pupil(tmp_path: Path) -> Path:
    path = tmp_path / "pupil.safetensors"
    write_policy(path, network(packages=ROOM))
    return path


@pytest.fixture
def apprentice(pupil: Path) -> Path:
    path = pupil.parent / "apprentice.toml"
    path.write_text(APPRENTICE, encoding="utf-8")
    return path


# ------------------ whose it is


@pytest.mark.parametrize("kind", [Path, str])
def test_the_path_of_a_policy_is_a_persona_that_is_called_after_it(pupil: Path, kind: Any) -> None:
    persona = load_persona(kind(pupil))
    assert (persona.name, persona.policy_path) == ("pupil", pupil)
    player = as_player(kind(pupil))
    assert isinstance(player, PersonaPlayer)
    assert player.policy is not None
    assert player.weights.tobytes() == network(packages=ROOM).packed.tobytes()
    assert player.record[0]["network"]["layers"] == 1


def test_a_name_that_personas_cannot_have_is_made_one_that_they_can(tmp_path: Path) -> None:
    write_policy(tmp_path / "my last run (2).safetensors", network())
    assert load_persona(tmp_path / "my last run (2).safetensors").name == "my_last_run__2_"
    long = tmp_path / f"{'x' * 80}.safetensors"
    write_policy(long, network())
    assert load_persona(long).name == "x" * 60


def test_a_personas_file_names_its_policy_relative_to_itself(apprentice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = apprentice.parent
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    for path in (apprentice, str(apprentice), "../apprentice.toml", Path("..") / "apprentice.toml"):
        player = as_persona(path)
        assert player.name == "apprentice"
        assert player.persona.policy_path == folder / "pupil.safetensors"
        assert player.record[0]["base"]["aggression"] == 0.75
    monkeypatch.chdir(folder)
    assert as_persona("apprentice.toml").persona.policy_path == folder / "pupil.safetensors"


def test_a_relative_path_of_another_folder_is_another_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.toml").write_text(APPRENTICE)
        os.utime(tmp_path / name / "a.toml", ns=(1, 1))
        write_policy(tmp_path / name / "pupil.safetensors", network(seed=seed))
        monkeypatch.chdir(tmp_path / name)
        assert as_persona("a.toml").weights.tobytes() == network(seed=seed).packed.tobytes()


def test_an_absolute_path_is_taken_as_it_is(apprentice: Path, tmp_path: Path) -> None:
    write_policy(tmp_path / "other.safetensors", network(seed=4))
    apprentice.write_text(APPRENTICE.replace("pupil.safetensors", str(tmp_path / "other.safetensors")))
    assert as_persona(apprentice).weights.tobytes() == network(seed=4).packed.tobytes()


def test_a_policy_of_the_catalogue_lies_there_and_is_named_relative(
    apprentice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", apprentice.parent)
    for given in ("apprentice", apprentice):
        player = as_persona(given)
        assert player.persona.policy == "pupil.safetensors"
        assert player.weights.tobytes() == network(packages=ROOM).packed.tobytes()


def test_an_edited_policy_is_read_again_and_the_one_in_a_seat_stays(pupil: Path) -> None:
    before = as_persona(pupil)
    write_policy(pupil, network(packages=ROOM, seed=9))
    after = as_persona(pupil)
    assert after.weights.tobytes() == network(packages=ROOM, seed=9).packed.tobytes()
    assert before.weights.tobytes() == network(packages=ROOM).packed.tobytes()
    assert before.policy_digest != after.policy_digest


def test_a_persona_without_a_policy_has_no_weights() -> None:
    shark = as_persona("shark")
    assert shark.policy is None
    assert (shark.weights is NO_WEIGHTS, shark.policy_digest) == (True, "")
    assert shark.record[0]["network"]["layers"] == 0


def test_a_cast_keeps_its_weights_one_after_the_other() -> None:
    players = [learned("a"), as_persona("shark"), learned("b", hidden=(5, 5), seed=1)]
    records, weights = persona_tables(players)
    assert weights.tobytes() == players[0].weights.tobytes() + players[2].weights.tobytes()
    assert records["network"]["start"].tolist() == [0, len(players[0].weights), len(players[0].weights)]
    assert records["network"]["layers"].tolist() == [1, 0, 2]


# ------------------ what it plays


def expected(game: Game, player: PersonaPlayer, traits: Any = None) -> Any:
    """Return the move of a policy at temperature 0, worked out with NumPy from what the seat on turn sees."""
    assert player.policy is not None
    seen = game.observe(game.seat)
    logits = player.policy.logits(seen["observation"][None], traits)[0]
    return decode(int(np.argmax(np.where(seen["action_mask"], logits, -np.inf))), game.seat, game.packages)


def chosen(game: Game, player: PersonaPlayer) -> Any:
    choice = np.zeros(1, CHOICE_DTYPE)
    choose_move(game.rows, game.config.params, 0, player.record, player.weights, 0, choice)
    return choice[0].item()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_it_plays_what_its_network_says_of_what_its_seat_sees(scenario: str) -> None:
    config, rng = make_config(scenario), np.random.default_rng(0)
    player = learned(packages=config.scenario.n_packages, hidden=(16, 8), temperature=0.0)
    game, turns = Game(config), 0
    for seed in range(10):
        game.reset(seed)
        while not game.is_over:
            assert chosen(game, player) == expected(game, player)
            game.play_index(pick(rng, game.mask, game.packages))
            turns += 1
    assert turns > 50


def test_its_draws_follow_its_probabilities_over_the_games_of_a_seed() -> None:
    """One position under many keys: Pearson's chi-square at its 99.9th percentile."""
    player, game = learned(packages=1, temperature=2.0), Game(make_config("uniform"))
    game.reset(1)
    counts: dict[Any, int] = {}
    n = 20_000
    for key in np.random.default_rng(2).integers(0, 2**63, n).astype(np.uint64):
        game.rows["key"] = key
        move = chosen(game, player)
        counts[move] = counts.get(move, 0) + 1
    seen = game.observe(game.seat)
    assert player.policy is not None
    odds = np.exp(player.policy.logits(seen["observation"][None])[0].astype(float) / 2.0) * seen["action_mask"]
    legal = np.flatnonzero(seen["action_mask"])
    found = np.array([counts.get(decode(int(action), game.seat, 1), 0) for action in legal])
    wanted = n * odds[legal] / odds.sum()
    assert found.sum() == n
    degrees = len(legal) - 1
    assert ((found - wanted) ** 2 / wanted).sum() < degrees + 3.1 * np.sqrt(2 * degrees) + 6


def test_one_file_plays_a_shark_or_a_diplomat(tmp_path: Path) -> None:
    write_policy(tmp_path / "pupil.safetensors", network(packages=1, seed=3, traits=TRAIT_INPUTS, temperature=0.0))
    game, rng, moves = Game(make_config("uniform")), np.random.default_rng(0), []
    players = []
    for name in ("shark", "diplomat"):
        about = load_persona(name).model_dump() | {"policy": str(tmp_path / "pupil.safetensors"), "name": f"x-{name}"}
        players.append(PersonaPlayer(Persona.model_validate(about)))
    for seed in range(20):
        game.reset(seed)
        while not game.is_over:
            for player, name in zip(players, ("shark", "diplomat"), strict=True):
                given = [getattr(load_persona(name).traits, trait) for trait in TRAIT_INPUTS]
                assert drifted_now(game.rows, player.record, 0, game.seat) or chosen(game, player) == expected(
                    game, player, given
                )
            moves.append([chosen(game, player) for player in players])
            game.play_index(pick(rng, game.mask, game.packages))
    assert any(shark != diplomat for shark, diplomat in moves)


def test_after_a_drift_it_is_given_the_changed_traits() -> None:
    base = {"agreeableness": 0.1, "aggression": 0.9, "patience": 0.2, "bluff_rate": 0.7}
    changed = {"aggression": 0.1, "patience": 1.0}
    about = {"name": "x", "title": "X", "summary": "X.", "traits": base, "drift": {"tension": 40, "traits": changed}}
    policy = network((16,), traits=TRAIT_INPUTS, temperature=0.0)
    player = PersonaPlayer(Persona.model_validate(about), policy)
    before, after = list(base.values()), list((base | changed).values())
    game, rng, differs = Game(make_config("saas_enterprise")), np.random.default_rng(1), 0
    seen = set()
    for seed in range(30):
        game.reset(seed)
        while not game.is_over:
            drifted = bool(drifted_now(game.rows, player.record, 0, game.seat))
            seen.add(drifted)
            assert chosen(game, player) == expected(game, player, after if drifted else before)
            differs += drifted and expected(game, player, before) != expected(game, player, after)
            game.play_index(pick(rng, game.mask, game.packages))
    assert seen == {False, True}
    assert differs > 5


def test_other_traits_than_personas_have_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    for traits in (("patience",), TRAIT_INPUTS[::-1]):
        write_policy(path, network(traits=traits))
        with pytest.raises(
            ConfigurationError, match=r"odd\.safetensors: policy 'pupil' takes the traits .*, but personas"
        ):
            as_persona(path)


# ------------------ a policy that knows of prices only, where there are terms


def prices_only(game: Game, package: int) -> Any:
    """Return what the seat on turn sees, as if only the price of a package were open; worked out by names."""
    seat, row = game.seat, game.row
    seen = dict(zip(names(game.packages), game.observe(seat)["observation"].tolist(), strict=True))
    sign = 1 - 2 * seat
    value = float(row["package_values"][seat, package])
    limit = seen["reservation"] + sign * value
    told = {name: seen.get(name, 0.0) for name in names(1)}
    told |= {"reservation": limit, "package_values[0]": 0.0}
    for whose in ("own", "other"):
        if seen[f"{whose}_offer_made"]:
            worth = seen[f"{whose}_offer_worth"]
            told |= {f"{whose}_offer_package[0]": 1.0, f"{whose}_offer_price": min(max(limit - sign * worth, 0.0), 1.0)}
    return np.array(list(told.values()), np.float32)


@pytest.mark.parametrize("logrolling", [0.0, 0.15])
@pytest.mark.parametrize("scenario", ["hiring_package_terms", "acquisition_terms"])
def test_a_policy_for_prices_bargains_over_those_of_one_package(scenario: str, logrolling: float) -> None:
    about = {"name": "x", "title": "X", "summary": "X.", "tactics": {"logrolling": logrolling}}
    game, rng = Game(make_config(scenario)), np.random.default_rng(0)
    width = game.scenario.high - game.scenario.low
    kinds, packages = set(), set()
    for seed in range(25):
        policy = network((16, 8), seed, temperature=0.0)
        player = PersonaPlayer(Persona.model_validate(about), policy)
        game.reset(seed)
        while not game.is_over:
            seat = game.seat
            move, price, package = chosen(game, player)
            topic = chosen_package_of(game, seat, logrolling)
            mask = np.zeros(policy.actions, np.int8)
            observe_game(game.rows, game.config.params, 0, seat, 1, np.zeros(policy.inputs, np.float32), mask)
            logits = policy.logits(prices_only(game, topic)[None])[0]
            wanted = decode(int(np.argmax(np.where(mask, logits, -np.inf))), seat, 1)
            assert move == wanted[0]
            assert package == (topic if move in (Move.OFFER, Move.ANCHOR_HIGH) else 0)
            value = float(game.row["package_values"][seat, topic])
            shift = (2 * seat - 1) * value if move == Move.BATNA_REVEAL else 0.0
            assert price == pytest.approx(min(max(wanted[1] + shift, 0.0), 1.0), abs=1.0 / width), "in whole USD"
            kinds.add(move)
            packages.add(package)
            if rng.random() < 0.5:
                game.play(move, price, package)
            else:
                game.play_index(pick(rng, game.mask, game.packages))
    assert kinds >= {Move.OFFER, Move.BATNA_REVEAL}
    assert len(packages) > (2 if logrolling else 1)


def chosen_package_of(game: Game, seat: int, logrolling: float) -> int:
    """Return the package that a persona would bargain over."""
    return int(yielding_package(game.row, game.config.params[0], seat, logrolling))


# ------------------ the same everywhere


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_game_of_a_tournament_is_the_single_game_and_the_batched_one(scenario: str) -> None:
    pair = learned("one", "shark", traits=TRAIT_INPUTS), learned("two", seed=1, hidden=(12, 6))
    prices = learned("three", "nash", packages=1, seed=2)
    params = build_params(load_scenario(scenario), load_rules("default"), reward="payoff")
    for buyer, seller in (pair, pair[::-1], (prices, as_persona("veteran")), (pair[0], prices)):
        for opener in range(2):
            rows = play_cell(buyer, seller, params, opener=opener, games=150, seed=5)
            assert content(play_cell(buyer, seller, params, opener=opener, games=150, seed=5, threads=2)) == content(
                rows
            )
            batched = BatchedCell((buyer, seller), params, opener=opener, games=30, seed=5)
            batched.play()
            assert content(batched.outcomes()) == content(rows[:30])
            for number in range(12):
                game = Game(make_config(scenario, reward="payoff"), (buyer, seller))
                game.start(5, number, {"opener": SEATS[opener]})
                report = np.asarray(make_report(game.rows, game.config.params)).reshape(1)
                assert content(report) == content(rows[number : number + 1])


def test_records_of_its_games_are_those_games() -> None:
    pair = learned("one", "shark", traits=TRAIT_INPUTS), as_persona("diplomat")
    params = build_params(load_scenario("uniform"), load_rules("default"), reward="payoff")
    turns, _, lengths = recorded(*pair, params, opener=0, seed=5, numbers=np.arange(10))
    for number in range(10):
        game = Game(make_config("uniform", reward="payoff"), pair)
        game.start(5, number, {"opener": "buyer"})
        told = turns[number, : lengths[number]]
        assert [move[:3] for move in game.actions] == list(
            zip(told["move"].tolist(), told["price"].tolist(), told["package"].tolist(), strict=True)
        )


def test_it_sits_in_every_interface_by_its_path(pupil: Path, apprentice: Path) -> None:
    env = negotiation_v0.env(seller=str(pupil), opener="seller")
    env.reset(seed=1)
    first = env.game.actions
    assert len(first) == 1
    parallel = negotiation_v0.parallel_env(seller=pupil, opener="seller")
    parallel.reset(seed=1)
    single = gymnasium.make("parlay/Negotiation-v0", opponent=str(pupil), opener="seller", disable_env_checker=True)
    single.reset(seed=1)
    assert parallel.game.actions == single.unwrapped.game.actions == first  # type: ignore[attr-defined]
    vector = gymnasium.make_vec("parlay/Negotiation-v0", num_envs=2, opponent=[pupil, "shark"], opener="seller")
    vector.reset(seed=1)
    batch = Batch(2, opponent=str(pupil), opener="seller", learner="buyer")
    batch.reset(1)
    assert content(batch.games[:1]) == content(env.game.rows)
    spoken = negotiation_v0.env(seller=apprentice, opener="seller", render_mode="ansi")
    spoken.reset(seed=1)
    assert "apprentice" in (spoken.render() or "")
    games = run_tournament([pupil, apprentice, "shark"], ["uniform"], games=3)
    assert games.names == ("apprentice", "pupil", "shark")
    assert [entrant.kind for entrant in games.entrants] == ["persona"] * 3
    assert assess_beliefs([pupil, "shark"], ["uniform"], games=2).personas == ("pupil", "shark")
    vector.close()
    single.close()


def test_a_policy_object_may_still_sit_there_and_be_asked(pupil: Path) -> None:
    env = negotiation_v0.env(scenario="acquisition_terms", seller=read_policy(pupil), opener="seller")
    env.reset(seed=1)
    assert len(env.game.actions) == 1
    assert as_player(network()).name == "pupil"


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["deepcopy", "pickle"]
)
def test_a_copy_plays_on_although_the_file_is_gone(copied: Callable[[Any], Any], pupil: Path) -> None:
    env = negotiation_v0.env(seller=pupil, scenario="hiring_package_terms")
    env.reset(seed=3)
    pupil.unlink()
    twin = copied(env)
    rng = np.random.default_rng(0)
    while env.agents and not env.game.is_over:
        action = pick(rng, env.game.mask, env.game.packages)
        for each in (env, twin):
            each.step(action)
    assert twin.game.actions == env.game.actions
    assert content(twin.game.rows) == content(env.game.rows)
    assert not twin.game.players[1].record.flags.writeable


def test_a_league_of_policies_at_hand_can_be_copied() -> None:
    player = learned("x", "shark", traits=TRAIT_INPUTS)
    twin = pickle.loads(pickle.dumps(player))
    assert twin.name == "x"
    assert twin.record.tobytes() == player.record.tobytes()
    assert twin.weights.tobytes() == player.weights.tobytes()
    assert isinstance(twin.policy, Policy)


# ------------------ what is refused

ROOMS: dict[str, Callable[[PersonaPlayer, str], Any]] = {
    "env": lambda player, deal: negotiation_v0.env(scenario=deal, seller=player),
    "parallel_env": lambda player, deal: negotiation_v0.parallel_env(scenario=deal, buyer=player),
    "make": lambda player, deal: gymnasium.make("parlay/Negotiation-v0", scenario=deal, opponent=player),
    "make_vec": lambda player, deal: gymnasium.make_vec(
        "parlay/Negotiation-v0", num_envs=2, scenario=["uniform", deal], opponent=["shark", player]
    ),
    "Batch": lambda player, deal: Batch(2, scenario=["uniform", deal], opponent=[player], learner="mixed"),
    "Game": lambda player, deal: Game(make_config(deal), (None, player)),
    "run_tournament": lambda player, deal: run_tournament([player, "shark"], ["uniform", deal], on_cell=pytest.fail),
    "assess_beliefs": lambda player, deal: assess_beliefs([player, "shark"], ["uniform", deal], on_cell=pytest.fail),
}


@pytest.mark.parametrize("interface", ROOMS)
def test_a_scenario_with_more_packages_than_it_was_trained_for_is_refused_by_name(interface: str) -> None:
    small = learned("small", packages=2)
    with pytest.raises(
        ConfigurationError,
        match="'small' is played by a policy with room for 2 packages, but 'acquisition_terms' has 9; choose",
    ):
        ROOMS[interface](small, "acquisition_terms")
    if interface not in ("run_tournament", "assess_beliefs"):
        ROOMS[interface](small, "saas_enterprise")


def test_a_kernel_is_never_given_a_policy_without_room() -> None:
    small, shark = learned("small", packages=2), as_persona("shark")
    params = build_params(load_scenario("acquisition_terms"), load_rules("default"), reward="payoff")
    with pytest.raises(ConfigurationError, match="but the scenario has 9"):
        play_cell(shark, small, params, opener=0, games=1, seed=0)
    with pytest.raises(ConfigurationError, match="but the scenario has 9"):
        recorded(small, shark, params, opener=0, seed=0, numbers=np.arange(1))


LOADERS: dict[str, Callable[[Any], Any]] = {
    "as_player": as_player,
    "env": lambda path: negotiation_v0.env(seller=path),
    "Batch": lambda path: Batch(2, learner="buyer", opponent=[path, "shark"]),
    "run_tournament": lambda path: run_tournament([path, "shark"], ["uniform"]),
    "assess_beliefs": lambda path: assess_beliefs([path], ["uniform"]),
}


@pytest.mark.parametrize("form", [Path, str])
@pytest.mark.parametrize("loader", LOADERS)
def test_a_file_that_is_gone_cut_off_or_none_of_ours_is_refused_in_one_sentence(
    loader: str, form: Any, pupil: Path
) -> None:
    whole = pupil.read_bytes()
    for content_of_file, reason in (
        (None, "no such policy file; give a name of the catalogue or an existing file"),
        (whole[: len(whole) // 2], "not a usable policy file: its tensors cannot be read"),
        (b"hello, world", "not a usable policy file: it is no safetensors file"),
    ):
        pupil.unlink() if content_of_file is None else pupil.write_bytes(content_of_file)
        with pytest.raises(PolicyFileError, match=reason) as caught:
            LOADERS[loader](form(pupil))
        assert str(caught.value).startswith(f"{pupil}: ")
        assert "\n" not in str(caught.value)


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").mkdir()
    with pytest.raises(PolicyFileError, match="no such policy file"):
        as_player(tmp_path / "x.safetensors")


def test_a_persona_whose_policy_is_gone_is_refused_by_the_file(apprentice: Path, pupil: Path) -> None:
    pupil.unlink()
    with pytest.raises(PolicyFileError, match=f"{pupil}: cannot be read: No such file"):
        negotiation_v0.env(seller=apprentice)


@pytest.mark.parametrize("policy", ["''", "3", "['a']"])
def test_a_policy_must_be_named(policy: str, apprentice: Path) -> None:
    apprentice.write_text(APPRENTICE.replace('"pupil.safetensors"', policy))
    with pytest.raises(CatalogueError, match="policy: "):
        load_persona(apprentice)
