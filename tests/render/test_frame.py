"""Frames: a game as a picture of fixed size, the same one every time, with nothing hidden in it before the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from PIL import Image

from parlay_marl import negotiation_v0
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import Move
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.errors import MissingExtraError
from parlay_marl.game.game import Game
from parlay_marl.render import canvas
from parlay_marl.render.frame import COLOURS, HEIGHT, ROOM, WIDTH, _height, _moment, draw
from tests.helpers import SCENARIOS, claim, offer
from tests.processes import ROOT, run

SHAPE = (HEIGHT, WIDTH, 3)
FORMS = {
    "aec": lambda **more: negotiation_v0.env(render_mode="rgb_array", **more),
    "parallel": lambda **more: negotiation_v0.parallel_env(render_mode="rgb_array", **more),
    "one agent": lambda **more: negotiation_v0.env(seller="linear", render_mode="rgb_array", **more),
    "gymnasium": lambda **more: NegotiationEnv(opponent="linear", render_mode="rgb_array", **more),
}
every_form = pytest.mark.parametrize("form", FORMS)
DEAL = (offer(5), offer(35), claim(15), offer(30), 2, 3, offer(18), 0)
"""Actions of the buyer, who opens, and the seller: offers, a claim, silence, a challenge, and a deal."""


def act(env: Any, action: int) -> None:
    """Take an action as whoever is on turn."""
    agent = ("buyer_0", "seller_0")[env.game.seat]
    env.step({agent: action} if isinstance(env, negotiation_v0.parallel_env) else action)


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def has(frame: Any, colour: str) -> bool:
    """Whether some pixel of a frame has exactly this colour."""
    return bool((frame == rgb(colour)).all(axis=-1).any())


def play(game: Game, actions: Any) -> list[Any]:
    """Play discrete actions; return the frame before each and after the last."""
    frames = [draw(game)]
    for action in actions:
        game.play_index(action)
        frames.append(draw(game))
    return frames


def begun(scenario: Any = "saas_enterprise", options: Any = None, **more: Any) -> Game:
    game = Game(negotiation_v0.make_config(scenario, **{"opener": "buyer", **more}))
    game.reset(3, options)
    return game


@every_form
def test_every_form_draws_frames_of_one_size(form: str) -> None:
    env = FORMS[form](opener="buyer")
    assert "rgb_array" in env.metadata["render_modes"]
    assert env.metadata["render_fps"] > 0
    env.reset(seed=3)
    frames = [env.render()]
    for action in (offer(5), offer(35)) if form in ("aec", "parallel") else (offer(5), offer(6)):
        act(env, action)
        frames.append(env.render())
    for frame in frames:
        assert isinstance(frame, np.ndarray)
        assert (frame.shape, frame.dtype) == (SHAPE, np.uint8)
        assert frame.flags.owndata
        assert frame.flags.writeable
    assert len({frame.tobytes() for frame in frames}) == 3


def test_the_same_game_has_the_same_frames_through_every_form() -> None:
    first, second = FORMS["aec"](opener="buyer"), FORMS["parallel"](opener="buyer")
    first.reset(seed=3)
    second.reset(seed=3)
    for action in DEAL:
        assert first.render().tobytes() == second.render().tobytes()
        act(first, action)
        act(second, action)
    assert first.render().tobytes() == second.render().tobytes()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_frame_does_not_depend_on_the_frames_before_it(scenario: str) -> None:
    record = negotiation_v0.play_game("shark", "diplomat", scenario, seed=1)
    game = record.replay(0)
    for turn, played in enumerate(record.actions):
        frame = draw(game)
        if turn % 8 == 0:
            assert frame.tobytes() == draw(record.replay(turn)).tobytes()
        game.turn_by_move(int(played.move), *played[1:])
    assert draw(game).tobytes() == draw(record.replay()).tobytes()


def test_the_next_game_is_drawn_from_its_start() -> None:
    env, plain = FORMS["aec"](opener="buyer"), FORMS["aec"](opener="buyer")
    env.reset(seed=3)
    for action in DEAL:
        act(env, action)
        env.render()
    env.reset(seed=4)
    plain.reset(seed=4)
    assert env.render().tobytes() == plain.render().tobytes()


SECRETS: dict[str, Any] = {
    "reservation": {"buyer": 160_000, "seller": 130_000},
    "urgency": {"buyer": 0.1, "seller": 0.9},
    "alternative": {"buyer": False, "seller": True},
    "event_sensitivity": {"buyer": 0.9, "seller": 0.1},
}
OTHER_SECRETS: dict[str, Any] = {
    "reservation": {"buyer": 150_000, "seller": 120_000},
    "urgency": {"buyer": 0.8, "seller": 0.2},
    "alternative": {"buyer": True, "seller": False},
    "event_sensitivity": {"buyer": 0.2, "seller": 0.6},
}


@pytest.mark.parametrize("events", [[1, 2], [19, 19]])
def test_nothing_hidden_is_drawn_before_the_end(events: list[int]) -> None:
    actions = (offer(5), offer(35), claim(20), offer(30), offer(12), offer(28), offer(18), 0)
    first = play(begun(options={**SECRETS, "event_rounds": events}), actions)
    second = play(begun(options={**OTHER_SECRETS, "event_rounds": events}), actions)
    for turn, (one, other) in enumerate(zip(first[:-1], second[:-1], strict=True)):
        assert one.tobytes() == other.tobytes(), turn
        assert not has(one, ROOM)
    assert first[-1].tobytes() != second[-1].tobytes()
    assert has(first[-1], ROOM)
    assert has(second[-1], ROOM)


def test_offers_are_where_their_round_and_price_are() -> None:
    game = begun()
    frames = play(game, DEAL)
    for turn, played in enumerate(game.actions):
        if played.move is Move.OFFER:
            y, x = round(_height(played.price)), round(_moment(game, turn))
            assert tuple(frames[turn + 1][y, x]) == rgb(COLOURS[turn % 2])
            assert tuple(frames[turn][y, x]) != rgb(COLOURS[turn % 2])
    low, high = _height(0.0), _height(1.0)
    assert high < low
    assert _moment(game, 0) < _moment(game, 2 * game.config.max_rounds - 1) < WIDTH


def test_a_drawer_of_another_game_begins_anew() -> None:
    record = negotiation_v0.play_game("shark", "diplomat", seed=7)
    for turn in range(len(record.actions) + 1):
        frame = draw(record.replay(turn))
    assert np.array_equal(frame, draw(record.replay())), "each replay is another game, told from its start"


def test_headlines_claims_tension_and_the_ending_change_the_picture() -> None:
    def last(*actions: int, **more: Any) -> bytes:
        return bytes(play(begun(**more), actions)[-1].tobytes())

    seen = [
        last(offer(10)),
        last(claim(10)),
        last(4),
        last(offer(10), 2),
        last(offer(10), 1),
        last(offer(10), 0),
        last(offer(10), options={"event_rounds": [0, 5]}),
        last(claim(10), 3),
        last(claim(30), 3),
        last(offer(10), scenario="hiring_package"),
        last(offer(10), max_rounds=10),
    ]
    assert len(set(seen)) == len(seen)


WORDS = "Ünïcode — “quoted”, 中文, and a line which is too long for the head of the picture"
"""As long as a title may be."""


def test_any_text_number_of_rounds_and_ending_can_be_drawn() -> None:
    odd = Scenario(
        name="odd", title=WORDS, currency="€" * 8, low=0.0, high=1e12, reservation={"buyer": 9e11, "seller": 1.0}
    )
    for rounds in (1, 2, 3, 1000):
        game = begun(odd, {"reservation": {"buyer": 1.0, "seller": 9e11}}, max_rounds=rounds)
        assert draw(game).shape == SHAPE
        while not game.is_over:
            game.play(Move.OFFER, game.seat * 1.0)
        frame = draw(game)
        assert frame.shape == SHAPE
        assert not has(frame, ROOM)
    for ending in (1, -1):
        game = begun(odd)
        if ending < 0:
            game.forfeit()
        else:
            game.play_index(offer(3))
            game.play_index(ending)
        assert draw(game).shape == SHAPE


def test_text_is_drawn_in_characters_that_the_font_has() -> None:
    assert canvas.drawable(WORDS) == 'Unicode - "quoted", ??, and a line which is too long for the head of the picture'
    assert canvas.drawable("\x1b[31mred\x1b[0m\nand a second line") == "?[31mred?[0m and a second line"
    assert canvas.drawable(" €5 \N{EN DASH} £6 ") == " EUR5 - GBP6 "
    assert canvas.drawable("") == ""


def test_text_is_cut_and_broken_to_its_room() -> None:
    words = "what is said goes on and on until there is no room for it at all"
    lines = canvas.broken(words, 11, 100.0, 2)
    assert len(lines) == 2
    assert words.startswith(lines[0])
    assert lines[1].endswith("..")
    assert canvas.broken("", 11, 100.0, 2) == ("",)
    assert canvas.fitted("short", 11, 100.0) == "short"
    assert canvas.fitted("x" * 500, 11, 50.0).endswith("x..")
    assert canvas.fitted("x" * 500, 11, 0.0) == ".."


# --- tools that ask for frames ----------------------------------------------------------------------------------------


def test_gymnasium_collects_frames() -> None:
    env = gymnasium.make("parlay/Negotiation-v0", render_mode="rgb_array_list")
    env.reset(seed=0)
    for action in (offer(3), offer(4)):
        env.step(action)
    frames: Any = env.render()
    assert [frame.shape for frame in frames] == [SHAPE] * 3


def test_gymnasium_adds_frames_to_observations() -> None:
    made = gymnasium.make("parlay/Negotiation-v0", render_mode="rgb_array")
    env = gymnasium.wrappers.AddRenderObservation(made, render_only=True)
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert observation.shape == SHAPE


def test_stable_baselines3_makes_environments_by_name_and_draws_them() -> None:
    make_vec_env = pytest.importorskip("stable_baselines3.common.env_util").make_vec_env
    envs = make_vec_env("parlay/Negotiation-v0", n_envs=2, seed=0)
    envs.reset()
    assert [image.shape for image in envs.get_images()] == [SHAPE] * 2
    envs.step(np.array([offer(3), offer(4)]))
    assert sorted(envs.render("rgb_array").shape) == [3, WIDTH, 2 * HEIGHT]  # one above the other
    envs.close()


@every_form
def test_without_pillow_games_are_played_and_drawing_says_what_to_install(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    env = FORMS[form](opener="buyer")
    env.reset(seed=0)
    act(env, offer(5))
    with pytest.raises(MissingExtraError, match=r'^frames need Pillow; pip install "parlay-marl\[render\]"$'):
        env.render()
    assert len(env.game.actions) >= 1


# --- the GIF ----------------------------------------------------------------------------------------------------------


def test_the_script_makes_a_gif_of_a_game(tmp_path: Path) -> None:
    out, arguments = tmp_path / "game.gif", ["nash", "linear", "--scenario", "uniform", "--seed", "3"]
    command = [sys.executable, ROOT / "scripts" / "make_gif.py", *arguments, "--out", out]
    made = [run(command) for _ in range(2)]
    assert [done.returncode for done in made] == [0, 0], made[0].stderr
    record = negotiation_v0.play_game("nash", "linear", "uniform", seed=3)
    assert f"{len(record.actions) + 1} frames" in made[0].stdout
    assert made[0].stdout == made[1].stdout
    with Image.open(out) as gif:
        assert gif.size == (WIDTH, HEIGHT)
        assert gif.info["loop"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["sharc"], "make_gif: unknown persona 'sharc'"), (["--out", "/nowhere/game.gif"], "make_gif: cannot write")],
)
def test_the_script_says_what_it_cannot_do(arguments: list[str], message: str) -> None:
    command = [sys.executable, ROOT / "scripts" / "make_gif.py", *arguments]
    done = run(command)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_the_gif_of_the_readme_is_small() -> None:
    path = ROOT / "docs" / "game.gif"
    assert path.stat().st_size < 300_000
    with Image.open(path) as gif:
        assert gif.size == (WIDTH, HEIGHT)
        assert getattr(gif, "n_frames", 1) > 10
