"""Words: which line goes with which move, and what it may name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.catalogue.personas import OCCASIONS, Persona
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.text import price_text
from parlay_marl.game.turns import Turn
from parlay_marl.players.persona import as_player
from parlay_marl.players.voice import line, occasion
from tests.helpers import PERSONAS
from tests.players.talks import BUYER, SELLER, Talk, changed, with_event

SHARK = load_persona("shark")


def speaking(persona: Persona, **tactics: Any) -> Persona:
    """Return a persona that names the occasion and everything that a line may name."""
    spoken = {when: (f"{when}|{{price}}|{{terms}}|{{other}};",) for when in OCCASIONS}
    return changed(persona.model_copy(update={"voice": type(persona.voice)(**spoken)}), **tactics)


def turns(talk: Talk | Game) -> list[Turn]:
    """Return a game as it is told."""
    return (talk if isinstance(talk, Game) else talk.game).turns


def occasions(talk: Talk) -> list[str]:
    """Return the occasions of a persona's turns."""
    told = [turn.words for turn in turns(talk) if turn.seat == talk.seat]
    return ["+".join(part.split("|")[0].strip() for part in words.split(";") if part) for words in told]


@pytest.mark.parametrize(
    ("move", "is_first", "concedes", "is_ultimatum", "when"),
    [
        (Move.OFFER, True, False, False, "open"),
        (Move.OFFER, True, False, True, "open"),
        (Move.OFFER, False, True, False, "offer"),
        (Move.OFFER, False, False, False, "hold"),
        (Move.OFFER, False, True, True, "ultimatum"),
        (Move.OFFER, False, False, True, "ultimatum"),
        (Move.ANCHOR_HIGH, True, False, False, "anchor"),
        (Move.ANCHOR_HIGH, False, True, True, "anchor"),
        (Move.BATNA_REVEAL, False, True, True, "claim"),
        (Move.SILENCE, True, False, True, "silence"),
        (Move.CHALLENGE, False, False, False, "challenge"),
        (Move.ACCEPT, False, False, True, "accept"),
        (Move.WALK_AWAY, True, False, False, "walk_away"),
    ],
)
def test_occasions(move: Move, is_first: bool, concedes: bool, is_ultimatum: bool, when: str) -> None:
    assert occasion(move, is_first, concedes, is_ultimatum) == when


def test_a_line_is_chosen_by_a_number_and_filled_in() -> None:
    persona = load_persona("nash")
    facts = {"price": "USD 7", "terms": "", "other": "buyer"}
    assert [line(persona, "open", choice, **facts) for choice in range(3)] == [
        "By my lights, half is USD 7.",
        "USD 7 maximises the product. I checked.",
        "By my lights, half is USD 7.",
    ]
    assert line(Persona(name="mute", title="Mute", summary="Mute."), "open", 5, **facts) == ""


@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms", "hiring_package_terms"])
@pytest.mark.parametrize("name", PERSONAS)
def test_words_name_the_price_the_terms_and_the_other_seat_of_the_move(name: str, scenario: str) -> None:
    config = make_config(scenario)
    player = as_player(speaking(load_persona(name)))
    for seed in range(4):
        game = Game(config, (player, player))
        game.reset(seed)
        for turn in turns(game):
            *_, said = turn.words.rstrip(";").split(";")
            _, price, terms, other = said.strip().split("|")
            assert other == SEATS[1 - turn.seat]
            if turn.price is not None:
                assert price == price_text(turn.price, config.scenario)
                assert terms == config.scenario.package_label(turn.package)


def test_a_shark_speaks_as_it_moves() -> None:
    """It opens, waits, follows, and calls an ultimatum in round 15."""
    talk = Talk(speaking(SHARK, claim_rate=0.0, anchors=0.0), SELLER)
    for r in range(17):
        talk.hears(0.0 if r < 3 else 0.02)
    assert occasions(talk) == ["open", "hold", "hold", *["offer"] * 12, "ultimatum", "ultimatum"]


def test_its_deadline_is_earlier_in_shorter_talks() -> None:
    talk = Talk(speaking(SHARK, claim_rate=0.0, anchors=0.0), SELLER, max_rounds=8)
    for _ in range(7):
        talk.hears(0.0)
    assert occasions(talk) == ["open", *["hold"] * 5, "ultimatum"]


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_it_says_once_that_it_has_changed(seat: int) -> None:
    talk = Talk(speaking(SHARK, claim_rate=0.0), seat, with_event("competition", round=4))
    for _ in range(8):
        talk.hears(0.0)
    assert occasions(talk)[4:] == ["drift+offer", "offer", "offer", "offer"]


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_a_taker_names_the_price_that_it_takes(seat: int) -> None:
    talk = Talk(speaking(load_persona("conceder")), seat)
    talk.hears(0.0)
    assert talk.hears(0.95).move is Move.ACCEPT
    taken = price_text(float(talk.row["offer_price"][talk.other]), talk.game.scenario)
    assert turns(talk)[-1].words == f"accept|{taken}||{SEATS[talk.other]};"


def test_a_person_and_a_policy_say_nothing() -> None:
    talk = Talk("linear", SELLER)
    talk.hears(0.0)
    told = turns(talk)
    assert [bool(turn.words) for turn in told] == [False, True]


def test_a_persona_without_a_voice_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mute.toml"
    path.write_text("title = 'Mute'\nsummary = 'Mute.'", encoding="utf-8")
    talk = Talk(path, SELLER)
    talk.hears(0.0)
    assert [turn.words for turn in turns(talk)] == ["", ""]
