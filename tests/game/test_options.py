"""Reset options: each chance draw can be fixed, lands in the game exactly, and changes no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_scenario
from parlay_marl.catalogue.scenarios import MAX_ROUNDS
from parlay_marl.core.chance import FIXED
from parlay_marl.core.moves import Move
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.options import fixed_draws, sensitivities_fixed
from tests.helpers import SCENARIOS, case_name, content, offer

TERMS = {
    "equity": {"none": 0, "small grant": -2_400, "full grant": -4_800},
    "start": {"in three months": 0, "next month": 12_000, "at once": 18_000},
}

# What a reset may be told, where it lands in the state, and what must be there then. The scenario has range 180,000 to
# 240,000, nine packages and one event.
CASES: list[tuple[dict[str, Any], str, Any, Any]] = [
    ({"opener": "buyer"}, "opener", (), 0),
    ({"opener": "seller"}, "opener", (), 1),
    ({"reservation": {"buyer": 225_000}}, "reservation", 0, 0.75),
    ({"reservation": {"seller": 180_000}}, "reservation", 1, 0.0),
    ({"reservation": {"seller": 150_000}}, "reservation", 1, -0.5),
    ({"urgency": {"buyer": 0.25}}, "urgency", 0, 0.25),
    ({"urgency": {"seller": 1}}, "urgency", 1, 1.0),
    ({"alternative": {"buyer": True}}, "alternative", 0, 1),
    ({"alternative": {"buyer": False}}, "alternative", 0, 0),
    ({"alternative": {"seller": True}}, "alternative", 1, 1),
    ({"event_sensitivity": {"buyer": 0.9}}, "sensitivity", 0, 0.9),
    ({"event_sensitivity": {"seller": 0.0}}, "sensitivity", 1, 0.0),
    ({"event_rounds": [11]}, "event_round", 0, 11),
    ({"event_rounds": (3,)}, "event_round", 0, 3),
    (
        {"term_values": {"buyer": TERMS}},
        "package_values",
        (0, slice(0, 9)),
        [0.0, 0.2, 0.3, -0.04, 0.16, 0.26, -0.08, 0.12, 0.22],
    ),
]
# A draw that follows from others: the room for a deal at the start, the belief's first accuracy, the opener's turn.
FOLLOWS = {"start_width", "start_accuracy", "seat"}


def terms_env(**arguments: Any) -> Any:
    return negotiation_v0.env(scenario="hiring_package_terms", **arguments)


@pytest.mark.parametrize(("options", "field", "at", "value"), CASES, ids=[str(case[0])[:50] for case in CASES])
def test_a_fixed_draw_lands_in_the_game_exactly_and_changes_no_other(
    options: dict[str, Any], field: str, at: Any, value: Any
) -> None:
    for seed in range(5):
        plain, env = terms_env(), terms_env()
        plain.reset(seed=seed)
        env.reset(seed=seed, options=options)
        assert env.game.row[field][at] == pytest.approx(value, abs=1e-15)
        expected = plain.game.rows.copy()
        expected[field][(0, *at) if isinstance(at, tuple) else (0, at)] = env.game.row[field][at]
        for name in FOLLOWS:
            expected[name] = env.game.rows[name]
        values = expected["package_values"][0, :, :9]
        expected["best_package"], expected["own_best"] = values.sum(axis=0).argmax(), values.argmax(axis=1)
        assert content(env.game.rows) == content(expected)


def test_every_draw_can_be_fixed() -> None:
    fixable = {
        "reservation": "reservation",
        "urgency": "urgency",
        "alternative": "alternative",
        "event_sensitivity": "sensitivity",
        "opener": "opener",
        "event_rounds": "event_round",
        "events": "event_round",
        "term_values": "package_values",
    }
    assert set(fixable) == set(negotiation_v0.ResetOptions.model_fields)
    assert {*fixable.values()} == {field.name for field in FIXED}


def test_everything_at_once() -> None:
    env = terms_env()
    env.reset(
        seed=1,
        options={
            "opener": "seller",
            "reservation": {"buyer": 234_000, "seller": 192_000},
            "urgency": {"buyer": 0.1, "seller": 0.9},
            "alternative": {"buyer": True, "seller": False},
            "event_sensitivity": {"buyer": 0.3, "seller": 0.4},
            "event_rounds": [19],
            "term_values": {"buyer": TERMS, "seller": TERMS},
        },
    )
    row = env.game.row
    assert row["reservation"].tolist() == [0.9, 0.2]
    assert row["urgency"].tolist() == [0.1, 0.9]
    assert row["alternative"].tolist() == [1, 0]
    assert row["sensitivity"].tolist() == [0.3, 0.4]
    assert row["start_width"] == pytest.approx(0.7 + 2 * 0.3)
    assert env.agent_selection == "seller_0"


def test_an_event_comes_in_the_round_that_was_fixed() -> None:
    env = negotiation_v0.env(opener="buyer")
    for first, second in ((2, 5), (5, 2), (0, 0), (19, 3)):
        env.reset(seed=0, options={"event_rounds": [first, second]})
        fired = []
        while not env.game.is_over:
            fired.append(int(env.game.row["events_fired"]))
            env.step(2)
        came = [next(i for i, mask in enumerate(fired) if mask >> event & 1) // 2 for event in (0, 1)]
        assert came == [first, second]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_events_can_be_switched_off_and_nothing_else_changes(scenario: str) -> None:
    without = load_scenario(scenario).model_copy(update={"events": ()})
    for rounds in (20, MAX_ROUNDS):
        env = negotiation_v0.env(scenario=scenario, max_rounds=rounds, actions="mixed")
        bare = negotiation_v0.env(scenario=without, max_rounds=rounds, actions="mixed")
        env.reset(seed=1, options={"events": False})
        bare.reset(seed=1)
        while not env.game.is_over:
            action = {"move": Move.OFFER, "price": 0.6 - 0.2 * env.game.seat, "package": 0}
            env.step(action)
            bare.step(action)
            for field in ("reservation", "urgency", "alternative", "tension", "reward"):
                assert env.game.row[field].tolist() == bare.game.row[field].tolist(), field
        assert env.game.row["events_fired"] == 0
        assert env.game.outcome().ending == bare.game.outcome().ending
    again = negotiation_v0.replay(env.config, 1, env.game.actions, env.game.options)
    assert again.row["events_fired"] == 0
    env.reset(seed=1)
    assert env.game.row["event_round"].max() < rounds


@pytest.mark.parametrize("chosen", [None, True])
def test_events_that_are_not_switched_off_are_drawn(chosen: bool | None) -> None:
    plain, env = negotiation_v0.env(), negotiation_v0.env()
    plain.reset(seed=2)
    env.reset(seed=2, options={"events": chosen})
    assert content(plain.game.rows) == content(env.game.rows)


@pytest.mark.parametrize(
    "scenario", ["saas_enterprise", ["saas_enterprise", "hiring_package_terms", "uniform"]], ids=case_name
)
def test_events_can_be_switched_off_in_a_batch_and_a_vector_environment(scenario: Any) -> None:
    for batch in (Batch(6, scenario), NegotiationVectorEnv(6, scenario=scenario, opponent="linear").batch):
        batch.reset(seed=0, options={"events": False})
        while not batch.endings.any():
            batch.step(np.full(6, offer(20)))
            assert not batch.games["events_fired"].any()
        assert batch.games["round"].max() >= 1
    env = NegotiationVectorEnv(6, scenario=scenario, opponent="hardliner", autoreset_mode="Disabled")
    env.reset(seed=0, options={"events": False})
    for _ in range(30):
        env.step(np.full(6, offer(0)))
    assert (env.batch.games["round"] > 14).any()
    assert not env.batch.games["events_fired"].any()


@pytest.mark.parametrize(
    "option", [{"reservation": {"buyer": 150}}, {"event_rounds": [1, 2]}, {"term_values": {}}], ids=case_name
)
def test_options_of_one_scenario_are_refused_in_a_batch_of_several(option: dict[str, Any]) -> None:
    batch = Batch(6, ["saas_enterprise", "uniform"])
    with pytest.raises(ConfigurationError, match=f"reset options: {next(iter(option))}: they are of one scenario"):
        batch.reset(seed=0, options=option)


def test_what_is_none_is_drawn() -> None:
    plain, env = negotiation_v0.env(), negotiation_v0.env()
    plain.reset(seed=2)
    env.reset(seed=2, options={"opener": None, "urgency": {"buyer": None}, "event_rounds": [None, None]})
    assert content(plain.game.rows) == content(env.game.rows)
    env.reset(seed=2, options={"event_rounds": [None, 3]})
    assert env.game.row["event_round"].tolist()[:2] == [8, 3]


def test_options_are_for_one_game_and_not_kept_for_the_next() -> None:
    plain, env = negotiation_v0.env(), negotiation_v0.env()
    plain.reset(seed=2)
    plain.reset()
    env.reset(seed=2, options={"opener": "seller", "urgency": {"buyer": 0.0}})
    env.reset()
    assert content(plain.game.rows) == content(env.game.rows)


def test_changing_the_options_afterwards_changes_nothing() -> None:
    env = negotiation_v0.env(render_mode="ansi")
    options = {"reservation": {"buyer": 160_000}, "opener": "buyer"}
    env.reset(seed=2, options=options)
    env.step(20)
    before = env.render()
    options["reservation"] = {"buyer": 1}
    options["opener"] = "seller"
    assert env.render() == before
    assert env.game.options["opener"] == "buyer"


def test_pettingzoos_probe_is_no_option() -> None:
    plain, env = negotiation_v0.env(seller="shark"), negotiation_v0.env(seller="shark")
    plain.reset(seed=2)
    env.reset(seed=2, options={"options": 1})
    assert content(plain.game.rows) == content(env.game.rows)
    with pytest.raises(ConfigurationError, match="options: Extra inputs"):
        env.reset(options={"options": 2})


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_numpy_numbers_are_numbers(kind: Any) -> None:
    env = negotiation_v0.env()
    env.reset(seed=0, options={"reservation": {"buyer": kind(145_000)}, "event_rounds": [np.int64(4), None]})
    assert env.game.row["reservation"][0] == 0.5
    assert env.game.row["event_round"][0] == 4


@pytest.mark.parametrize("chosen", [None, 0.11])
def test_a_personas_own_sensitivity_is_its_seats_unless_fixed_otherwise(chosen: float | None) -> None:
    env = negotiation_v0.env(seller="shark")
    env.reset(seed=0, options={} if chosen is None else {"event_sensitivity": {"seller": chosen}})
    assert env.game.row["sensitivity"][1] == (0.65 if chosen is None else chosen)
    assert env.game.options["event_sensitivity"]["seller"] == env.game.row["sensitivity"][1]
    assert 0.2 <= env.game.row["sensitivity"][0] <= 0.65


REFUSED: list[tuple[Any, str]] = [
    ({"openr": "buyer"}, "openr"),
    ({"opener": "both"}, "opener.*'buyer' or 'seller'"),
    ({"opener": "random"}, "opener.*'buyer' or 'seller'"),
    ({"opener": 0}, "opener"),
    ({"reservation": 150_000}, r"reservation: give a mapping such as \{'buyer': ..., 'seller': ...\} \(given 150000\)"),
    ({"reservation": {"byer": 150_000}}, r"reservation\.byer"),
    ({"reservation": {"buyer": "plenty"}}, r"reservation\.buyer.*'plenty'"),
    ({"reservation": {"buyer": float("nan")}}, r"reservation\.buyer.*finite"),
    ({"reservation": {"seller": float("inf")}}, r"reservation\.seller.*finite"),
    ({"reservation": {"buyer": -1}}, r"reservation\.buyer.*greater than or equal to 0"),
    ({"reservation": {"buyer": 9e9}}, r"reservation\.buyer = 9000000000.0 is too far.*180000 to 240000"),
    ({"urgency": {"buyer": 1.01}}, r"urgency\.buyer.*less than or equal to 1"),
    ({"urgency": {"buyer": -0.01}}, r"urgency\.buyer.*greater than or equal to 0"),
    ({"alternative": {"buyer": 2}}, r"alternative\.buyer.*boolean"),
    ({"event_sensitivity": {"seller": 1.5}}, r"event_sensitivity\.seller"),
    ({"event_sensitivity": 1.5}, "event_sensitivity"),
    ({"event_rounds": [1, 2]}, "event_rounds has 2 entries, but hiring_package_terms has 1 events"),
    ({"event_rounds": []}, "event_rounds has 0 entries"),
    ({"event_rounds": [20]}, r"event_rounds\[0\] = 20, but there are 20 rounds"),
    ({"event_rounds": [-1]}, "a round index is 0 or more"),
    ({"event_rounds": [1.5]}, r"event_rounds\.0"),
    ({"event_rounds": 3}, "event_rounds"),
    ({"events": "some"}, r"events.*boolean"),
    ({"events": {"buyer": False}}, r"events.*boolean"),
    ({"events": False, "event_rounds": [3]}, "events is False.* leave out event_rounds, or events"),
    ({"term_values": {"buyer": {"equity": TERMS["equity"]}}}, r"term_values\.buyer must give every option.*start"),
    ({"term_values": {"buyer": {**TERMS, "car": {"none": 0}}}}, r"term_values\.buyer must give every option"),
    ({"term_values": {"buyer": {**TERMS, "start": {"now": 0}}}}, r"term_values\.buyer must give every option"),
    ({"term_values": {"seller": {**TERMS, "equity": 3}}}, r"term_values\.seller\.equity"),
    ({"term_values": {"seller": {**TERMS, "equity": {**TERMS["equity"], "none": float("inf")}}}}, "finite"),
    ({1: 2}, "strings"),
    ([("opener", "buyer")], "give a mapping"),
    ("opener", "give a mapping"),
    (7, "give a mapping"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[str(case[0])[:50] for case in REFUSED])
@pytest.mark.parametrize("seller", [None, "shark"])
def test_what_cannot_be_is_refused_and_the_game_goes_on_as_it_was(
    seller: str | None, options: Any, message: str
) -> None:
    environments = [
        terms_env(seller=seller),
        negotiation_v0.parallel_env(scenario="hiring_package_terms", seller=seller),
        NegotiationEnv(scenario="hiring_package_terms", opponent=seller or "linear"),
    ]
    for env in environments:
        env.reset(seed=6)
        before, moves = content(env.game.rows), env.game.actions
        for seed in (None, 7):
            with pytest.raises(ConfigurationError, match=f"(?s)^reset options: .*{message}"):
                env.reset(seed=seed, options=options)
            assert content(env.game.rows) == before
            assert env.game.actions == moves
            assert (env.game.seed, env.game.number) == (6, 0)
        action = {"buyer_0": 15, "seller_0": 15}
        if not isinstance(env, negotiation_v0.parallel_env):
            env.step(15)
        else:
            env.step({env.agents[env.game.seat if seller is None else 0]: action["buyer_0"]})
        assert len(env.game.actions) > len(moves)


@pytest.mark.parametrize("pair", [(None, None), (0.25, None), (None, 0.0), (1.0, 0.5)])
def test_sensitivities_alone_are_fixed_as_by_options(pair: tuple[float | None, float | None]) -> None:
    given = {seat: value for seat, value in zip(("buyer", "seller"), pair, strict=True) if value is not None}
    asked = fixed_draws({"event_sensitivity": given}, load_scenario("uniform"), 20)
    assert sensitivities_fixed(pair).tobytes() == asked.tobytes()
    assert not sensitivities_fixed(pair).flags.writeable
