"""The picture of beliefs: what is drawn is what was recorded, and nothing is left behind."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_scenario
from parlay_marl.core.belief import HIGH, LOW, RESERVATION
from parlay_marl.core.moves import Move
from parlay_marl.errors import ConfigurationError, MissingExtraError, NotStartedError
from parlay_marl.game.game import Game
from parlay_marl.players.persona import as_player
from parlay_marl.render import belief_plot
from parlay_marl.render.belief_plot import BAND, BLUFF, HONEST, MEAN, OFFER, TRUTH, belief_figure, follow, plot_beliefs
from tests.helpers import SCENARIOS
from tests.processes import run

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def game_of(buyer: str, seller: str, scenario: str, seed: int = 2, **settings: Any) -> Game:
    game = Game(negotiation_v0.make_config(scenario, **settings), (as_player(buyer), as_player(seller)))
    game.start(seed, 0)
    return game


def rows_of(game: Game) -> list[Any]:
    """Return the state before the first turn and after each."""
    again = Game(game.config)
    again.begin(game.seed or 0, game.number, game.options)
    rows = [again.row.copy()]
    for move in game.actions:
        again.play(*move)
        rows.append(again.row.copy())
    return rows


def drawn(axes: Any, label: str) -> Any:
    """Return what a panel draws under a label, or None."""
    found = [artist for artist in axes.get_children() if artist.get_label() == label]
    assert len(found) <= 1
    return found[0] if found else None


BLUFFED = ("veteran", "shark", "uniform")
"""With seed 15 the buyer bluffs once, and the seller claims once, honestly."""


@pytest.mark.parametrize("kind", SIGNATURES)
def test_a_picture_is_saved_in_the_format_of_its_suffix(kind: str, tmp_path: Path) -> None:
    game = game_of("shark", "diplomat", "saas_enterprise")
    for name in (f"beliefs.{kind}", f"BELIEFS.{kind.upper()}"):
        plot_beliefs(game, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(SIGNATURES[kind])
    plot_beliefs(game, str(tmp_path / f"text.{kind}"))


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("tracker", ["bayes", "heuristic", "none"])
def test_every_line_is_what_the_game_recorded(scenario: str, tracker: str) -> None:
    game = game_of("shark", "veteran", scenario, beliefs=tracker)
    rows, deal = rows_of(game), load_scenario(scenario)

    def told(prices: Any) -> Any:
        return np.array([deal.to_currency(price) for price in prices])

    assert len(rows) > 2
    panels = belief_figure(game).axes
    assert len(panels) == 2
    for me, axes in enumerate(panels):
        beliefs = np.array([row["belief"][me] for row in rows])
        truth = told(row["reservation"][1 - me] for row in rows)
        wanted = {TRUTH: truth, MEAN: told(beliefs[:, RESERVATION])}
        for label, values in wanted.items():
            line = drawn(axes, label)
            assert line.get_drawstyle() == "steps-post"
            assert line.get_xdata().tolist() == [k / 2 for k in range(len(rows) + 1)]
            assert line.get_ydata() == pytest.approx([*values, values[-1]])
        band = drawn(axes, BAND).get_paths()[0].get_extents()
        low, high = (told(beliefs[:, figure]) for figure in (LOW, HIGH))
        assert (band.ymin, band.ymax) == pytest.approx((low.min(), high.max()))
        assert axes.get_ylim()[0] < min(low.min(), *truth)
        assert axes.get_ylim()[1] > max(high.max(), *truth)
        is_shaded = any(type(artist).__name__ == "QuadMesh" for artist in axes.get_children())
        assert is_shaded == (tracker == "bayes" and deal.information == "incomplete")


def test_offers_and_claims_are_marked_where_they_were_made() -> None:
    game = game_of(*BLUFFED, seed=15)
    rows, deal = rows_of(game), game.scenario
    seats = [int(row["seat"]) for row in rows]
    made: dict[str, list[list[tuple[float, float]]]] = {label: [[], []] for label in (OFFER, HONEST, BLUFF)}
    for k, (move, seat) in enumerate(zip(game.actions, seats, strict=False), 1):
        if move.move in (Move.OFFER, Move.ANCHOR_HIGH):
            made[OFFER][seat].append((k / 2, deal.to_currency(move.price)))
        elif move.move is Move.BATNA_REVEAL:
            label = BLUFF if rows[k]["claim_is_bluff"][seat] else HONEST
            made[label][seat].append((k / 2, deal.to_currency(move.price)))
    assert [len(found) for found in made[BLUFF]] == [1, 0]
    assert [len(found) for found in made[HONEST]] == [0, 1]
    for me, axes in enumerate(belief_figure(game).axes):
        for label, found in made.items():
            dots = drawn(axes, label)
            assert (dots is not None) == bool(found[1 - me])
            if dots is not None:
                assert dots.get_offsets().data == pytest.approx(np.array(found[1 - me]))


def test_an_offer_on_other_terms_is_drawn_at_what_it_is_worth_to_its_maker() -> None:
    game = game_of("diplomat", "veteran", "hiring_package_terms")
    worth = rows_of(game)[0]["package_values"]
    offers = [move for move in game.actions if move.move in (Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL)]
    assert any(move.package for move in offers)
    marks = follow(game).marks
    for move, mark in zip(offers, marks, strict=True):
        gain = worth[mark.seat][move.package] * (1 if mark.seat else -1)
        assert mark.price == pytest.approx(game.scenario.to_currency(move.price + gain))
    assert "on the reference terms" in belief_figure(game).axes[0].get_title(loc="left")


def test_headlines_stand_where_they_came_and_are_told_below() -> None:
    game = game_of("boulware", "boulware", "saas_enterprise")
    figure = belief_figure(game)
    texts = [event.headline for event in game.scenario.events]
    assert follow(game).headlines == ((8.0, texts[0]), (14.0, texts[1]))
    for axes in figure.axes:
        lines = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
        assert lines == [8.0, 14.0]
        assert [note.get_text() for note in axes.texts] == ["1", "2"]
    told = "\n".join(text.get_text() for text in figure.texts)
    assert all(text in told for text in texts)
    assert "boulware buys from boulware: saas_enterprise, seed 2, game 0; " in told


def test_the_legend_names_what_is_drawn_once() -> None:
    (legend,) = belief_figure(game_of(*BLUFFED, seed=15)).legends
    assert [text.get_text() for text in legend.get_texts()] == [BAND, MEAN, TRUTH, OFFER, HONEST, BLUFF]
    (plain,) = belief_figure(game_of("linear", "linear", "uniform")).legends
    assert [text.get_text() for text in plain.get_texts()] == [BAND, MEAN, TRUTH, OFFER]


def test_the_shading_is_the_posterior() -> None:
    game = game_of("linear", "boulware", "uniform")
    trace = follow(game)
    assert trace.weight.sum(axis=-1) == pytest.approx(1.0)
    assert (trace.weight * trace.grid).sum(axis=-1) == pytest.approx(trace.mean, rel=1e-4)
    mesh = next(artist for artist in belief_figure(game).axes[0].get_children() if type(artist).__name__ == "QuadMesh")
    values = np.asarray(mesh.get_array()).reshape(belief_plot.SHADES, -1)
    assert values.shape[1] == len(trace.time)
    assert mesh.get_cmap()(1.0)[:3] == pytest.approx(to_rgb(belief_plot.COLOURS[0]), abs=0.01)
    assert mesh.get_cmap()(0.0)[3] == 0.0  # nothing is shaded where nothing is believed
    corners = mesh.get_coordinates()[:, 0, 1]
    heights = 0.5 * (corners[1:] + corners[:-1])
    for column, mean in zip(values.T, trace.mean[:, 0], strict=True):
        assert (column * heights).sum() / column.sum() == pytest.approx(mean, abs=0.5)


def test_a_game_that_goes_on_can_be_drawn(tmp_path: Path) -> None:
    game = Game(negotiation_v0.make_config("uniform"))
    with pytest.raises(NotStartedError):
        plot_beliefs(game, tmp_path / "beliefs.png")
    game.reset(seed=1)
    for name in ("none", "one"):
        plot_beliefs(game, tmp_path / f"{name}.png")
        game.play(Move.OFFER, 0.4)
    assert len(game.actions) == 2


def test_long_headlines_are_broken_and_signs_of_money_are_no_formulas(tmp_path: Path) -> None:
    deal = load_scenario("saas_enterprise")
    event = deal.events[0].model_copy(update={"headline": "A rival asks for $1 or $2. " * 7})
    game = game_of("boulware", "boulware", deal.model_copy(update={"events": (event,)}))  # type: ignore[arg-type]
    notes = belief_figure(game).texts[-1].get_text().splitlines()
    assert len(notes) == 2
    assert max(map(len, notes)) <= belief_plot.NOTE_WIDTH
    plot_beliefs(game, tmp_path / "beliefs.svg")


@pytest.mark.parametrize("name", ["beliefs.jpg", "beliefs", "png", "beliefs.png.txt"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    game = Game(negotiation_v0.make_config("uniform"))
    with pytest.raises(ConfigurationError, match=r"names no format of pictures; end it in one of \.png, \.svg, \.pdf"):
        plot_beliefs(game, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"plot: cannot write .*none/beliefs\.png: No such file"):
        plot_beliefs(game_of("linear", "linear", "uniform"), tmp_path / "none" / "beliefs.png")


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_the_same_game_gives_the_same_file(kind: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.{kind}" for name in ("one", "two")]
    for path in paths:
        plot_beliefs(game_of("linear", "linear", "uniform"), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert not [date for date in (b"dc:date", b"CreationDate") if date in paths[0].read_bytes()]


def test_a_missing_matplotlib_names_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    game = game_of("linear", "linear", "uniform")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r'plots need Matplotlib; pip install "parlay-marl\[plot\]"'):
        plot_beliefs(game, tmp_path / "beliefs.png")


def test_nothing_global_is_touched() -> None:
    assert isinstance(belief_figure(game_of("linear", "linear", "uniform")), Figure)
    program = (
        "import sys; from tests.render.test_belief_plot import game_of, belief_figure;"
        "belief_figure(game_of('linear', 'linear', 'uniform')); print('matplotlib.pyplot' in sys.modules)"
    )
    done = run([sys.executable, "-c", program], check=True)
    assert done.stdout.split() == ["False"]
