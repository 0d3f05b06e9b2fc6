"""Our players in mechanisms of NegMAS, and scenarios from and to its folders."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("negmas", reason="negmas: not in this environment")

from negmas import BoulwareTBNegotiator, ConcederTBNegotiator, LinearTBNegotiator, SAOMechanism, make_issue, make_os
from negmas.preferences import LinearAdditiveUtilityFunction, MappingUtilityFunction
from negmas.preferences.value_fun import AffineFun, TableFun
from typer.testing import CliRunner

from parlay_marl.catalogue.personas import persona_names
from parlay_marl.catalogue.scenarios import Scenario, load_scenario, scenario_names
from parlay_marl.cli import app
from parlay_marl.errors import CatalogueError, ConfigurationError
from parlay_marl.exchange import as_negotiator, export_scenario, import_scenario
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.view import view_of
from parlay_marl.negotiation_v0 import Action, Player, SeatView
from parlay_marl.players.strangers.negmas_deal import deal_of, utility

PAGE = Path(__file__).resolve().parents[2] / "docs" / "negmas.md"
PRICE = make_issue([float(price) for price in range(100, 201, 5)], "price")
SPACE = make_os([PRICE])
TERMS = make_os([make_issue(["now", "later"], "payment"), make_issue((100, 200), "price")])


def buyer(reserved: float = 0.2) -> Any:
    """Return a buyer's utility function: 1 at 100, 0 at 200."""
    return LinearAdditiveUtilityFunction([AffineFun(-0.01, 2.0)], outcome_space=SPACE, reserved_value=reserved)


def seller(reserved: float = 0.3) -> Any:
    return LinearAdditiveUtilityFunction([AffineFun(0.01, -1.0)], outcome_space=SPACE, reserved_value=reserved)


class Watcher(Player):
    """Repeats one price and keeps what it sees."""

    name = "watcher"
    views: list[SeatView] = []

    def act(self, view: SeatView) -> Action:
        self.views.append(view)
        return view.make_offer(view.scenario.low + 10 if view.role == "buyer" else view.scenario.high - 10)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("name", persona_names())
def test_every_persona_sits_in_a_mechanism(name: str, is_first: bool) -> None:
    ours, theirs = as_negotiator(name, seed=1)(), ConcederTBNegotiator()
    mechanism = SAOMechanism(outcome_space=SPACE, n_steps=20)
    for negotiator in (ours, theirs) if is_first else (theirs, ours):
        mechanism.add(negotiator, ufun=buyer() if negotiator is ours else seller())
    state = mechanism.run()
    assert not state.has_error
    assert all(offer in SPACE for _, offer in mechanism.trace if offer is not None)
    if name in {"linear", "conceder", "boulware"}:
        assert state.agreement is not None
        assert buyer()(state.agreement) >= 0.2


@pytest.mark.parametrize("is_first", [True, False])
def test_a_player_sees_its_own_ufun_and_the_offers(is_first: bool) -> None:
    Watcher.views.clear()
    kind = as_negotiator(Watcher(), seed=1)
    assert kind.__name__ == "WatcherNegotiator"
    mechanism = SAOMechanism(outcome_space=SPACE, n_steps=6)
    ours = kind()
    for negotiator, ufun in [(ours, seller()), (BoulwareTBNegotiator(), buyer())][:: 1 if is_first else -1]:
        mechanism.add(negotiator, ufun=ufun)
    mechanism.run()
    views = Watcher.views
    assert [view.round for view in views] == list(range(6))
    assert {(view.role, view.rounds, view.reservation_price, view.payoff_left) for view in views} == {
        ("seller", 6, 130.0, 1.0)
    }
    assert views[-1].reservation_price == 130.0
    others = [offer[0] for who, offer in mechanism.trace if who != ours.id]
    shown = [view.counter_offer.price for view in views if view.counter_offer]
    assert shown == others[: len(shown)]
    assert {offer for who, offer in mechanism.trace if who == ours.id} == {(190.0,)}
    for price in (100.0, 145.0, 200.0):
        assert views[0].worth(price) / 100 == pytest.approx(seller()((price,)) - 0.3)


def test_terms_are_packages() -> None:
    ufun = LinearAdditiveUtilityFunction(
        {"payment": TableFun({"now": 0.0, "later": 0.5}), "price": AffineFun(-0.01, 2.0)},
        outcome_space=TERMS,
        reserved_value=0.4,
    )
    other = LinearAdditiveUtilityFunction(
        {"payment": TableFun({"now": 0.2, "later": 0.0}), "price": AffineFun(0.01, -1.0)}, outcome_space=TERMS
    )
    Watcher.views.clear()
    mechanism = SAOMechanism(outcome_space=TERMS, n_steps=4)
    mechanism.add(as_negotiator(Watcher(), seed=0)(), ufun=ufun)
    mechanism.add(LinearTBNegotiator(), ufun=other)
    mechanism.run()
    view = Watcher.views[-1]
    assert view.package_worth == (0.0, 50.0)
    assert view.reservation_price == 160.0
    assert view.worth(120.0, {"now": 0, "later": 1}["later"]) / 100 == pytest.approx(ufun(("later", 120)) - 0.4)
    assert mechanism.trace[0][1] == ("later", 110)


@pytest.mark.parametrize(("ufun", "reserved", "limit"), [(seller, -1.5, -50), (buyer, 2.5, -50), (seller, 1.5, 250)])
def test_a_limit_outside_the_range_is_played(ufun: Any, reserved: float, limit: float) -> None:
    """A limit below 0 moves all prices up, which players do not see in what deals are worth."""
    Watcher.views.clear()
    mechanism = SAOMechanism(outcome_space=SPACE, n_steps=5)
    mechanism.add(as_negotiator(Watcher(), seed=1)(), ufun=ufun(reserved))
    mechanism.add(BoulwareTBNegotiator(), ufun=(buyer if ufun is seller else seller)())
    assert not mechanism.run().has_error
    view, shift = Watcher.views[0], max(-limit, 0.0)
    assert (view.scenario.low, view.scenario.high) == (100 + shift, 200 + shift)
    assert view.reservation_price == pytest.approx(limit + shift)
    assert view.worth(150 + shift) / 100 == pytest.approx(ufun()((150.0,)) - reserved)
    assert mechanism.trace[0][1] == ((190.0,) if ufun is seller else (110.0,))


def test_a_limit_too_far_from_the_range() -> None:
    mechanism = SAOMechanism(outcome_space=SPACE, n_steps=5)
    mechanism.add(as_negotiator("linear", seed=1)(), ufun=seller(-9.0))
    mechanism.add(BoulwareTBNegotiator(), ufun=buyer())
    with pytest.raises(ConfigurationError, match=r"reserved value, -9, is worth a price of -800; that is too far"):
        mechanism.run()


@pytest.mark.parametrize("seed", [-1, 2**64, "a", 1.5])
def test_a_bad_seed_is_refused_at_once(seed: Any) -> None:
    with pytest.raises(ConfigurationError, match="seed: give a whole number"):
        as_negotiator("shark", seed=seed)


def test_what_a_mechanism_must_have() -> None:
    def run(ufun: Any, space: Any = SPACE, **limits: Any) -> None:
        mechanism = SAOMechanism(outcome_space=space, **limits)
        mechanism.add(as_negotiator("linear")(), ufun=ufun)
        mechanism.add(LinearTBNegotiator(), ufun=ufun)
        mechanism.run()

    with pytest.raises(ConfigurationError, match="give the mechanism n_steps"):
        run(buyer(), time_limit=5.0)
    colours = make_os([make_issue(["red", "blue"], "colour")])
    with pytest.raises(ConfigurationError, match="no issue is a price: colour"):
        run(MappingUtilityFunction(lambda outcome: 0.5, outcome_space=colours), colours, n_steps=5)
    with pytest.raises(ConfigurationError, match="is not linear in it"):
        run(MappingUtilityFunction(lambda outcome: outcome[0] ** 2, outcome_space=SPACE), n_steps=5)


def test_the_programs_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    programs = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(programs) == 2
    for program in programs:
        exec(compile(program, PAGE.name, "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


@pytest.mark.parametrize("line", re.findall(r"^parlay [^#\n]+", PAGE.read_text("utf-8"), re.MULTILINE))
def test_the_commands_of_the_page_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    export_scenario("saas_enterprise", "path/to/folder")
    _, *arguments = shlex.split(line)
    arguments = ["1" if before == "-n" else each for before, each in zip(["", *arguments], arguments, strict=False)]
    result = CliRunner().invoke(app, arguments, prog_name="parlay")
    assert result.exit_code == 0, result.output


# ------------------------------------------------------------------ scenarios


def first_with_a_zopa(game: Game, seed: int) -> int:
    """Begin the first game of a seed in which the buyer's limit exceeds the seller's; return its number."""
    for number in range(100):
        game.reset(seed=seed, number=number)
        if game.row["reservation"][0] > game.row["reservation"][1]:
            return number
    raise AssertionError("no game of the seed has a ZOPA")


@pytest.mark.parametrize("form", ["yaml", "xml"])
@pytest.mark.parametrize("name", scenario_names())
def test_scenarios_make_the_round_trip(name: str, form: str, tmp_path: Path) -> None:
    """The figures of a game, written and read again, are worth the same to both seats, deal by deal."""
    scenario = load_scenario(name)
    game = Game(make_config(scenario))
    number = first_with_a_zopa(game, 4)
    views = [view_of(game, seat) for seat in range(2)]
    export_scenario(scenario, tmp_path / "folder", form=form, seed=4, number=number)
    limits = [view.reservation_price for view in views]
    if not all(scenario.low <= limit <= scenario.high for limit in limits):
        with pytest.raises(CatalogueError, match="lies outside the public range"):
            import_scenario(tmp_path / "folder")
        return
    found = import_scenario(tmp_path / "folder")
    assert (found.low, found.high, found.n_packages) == (scenario.low, scenario.high, scenario.n_packages)
    width = scenario.high - scenario.low
    assert found.reservation.buyer == pytest.approx(views[0].reservation_price, abs=1e-6 * width)
    assert found.reservation.seller == pytest.approx(views[1].reservation_price, abs=1e-6 * width)
    for seat, worths in enumerate(found.package_values() * width):
        expected = np.array(views[seat].package_worth) - views[seat].package_worth[0]
        assert sorted(worths - worths[0]) == pytest.approx(sorted(expected), abs=1e-6 * width)


def test_nominal_figures(tmp_path: Path) -> None:
    export_scenario("saas_enterprise", tmp_path / "saas")
    found = import_scenario(tmp_path / "saas", name="again")
    assert (found.name, found.reservation.buyer, found.reservation.seller) == ("again", 165_000, 125_000)
    with pytest.raises(ConfigurationError, match="give a seed"):
        export_scenario("uniform", tmp_path / "uniform")


def small(name: str, *options: str) -> Scenario:
    """Return a scenario with one term, whose name and options are odd."""
    terms = [{"name": 'a <b> & "c"', "options": [{"name": option} for option in options]}] if options else []
    limits = {"buyer": 165, "seller": 125, "spread": 0.0}
    return Scenario.model_validate(
        {"name": name, "title": "T", "low": 100, "high": 200, "reservation": limits, "terms": terms}
    )


@pytest.mark.parametrize("form", ["yaml", "xml"])
def test_names_with_marks_of_xml(form: str, tmp_path: Path) -> None:
    scenario = small("odd", "a & b", "<c>", '"q"', "it's", "&amp;")
    export_scenario(scenario, tmp_path / "odd", form=form)
    assert import_scenario(tmp_path / "odd").terms == scenario.terms


@pytest.mark.parametrize(("name", "form"), [("other", "yaml"), ("one", "xml"), ("other", "xml")])
def test_two_scenarios_are_not_mixed_in_a_folder(name: str, form: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    export_scenario(small("one"), folder)
    before = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    with pytest.raises(ConfigurationError, match=r"one: it holds other files that NegMAS reads, .*; give a new folder"):
        export_scenario(small(name), folder, form=form)
    assert {file.name: file.read_text("utf-8") for file in folder.iterdir()} == before
    export_scenario(small("one", "now", "later"), folder)
    assert [len(term.options) for term in import_scenario(folder).terms] == [2]


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="file: it is a file; give a new folder"):
        export_scenario("saas_enterprise", tmp_path / "file")
    with pytest.raises(ConfigurationError, match="its files are called so; rename it"):
        export_scenario(small("buyer"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("prices", [0, 1, 100_002, "a", 2.5])
def test_a_bad_number_of_prices(prices: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="prices: give a whole number from 2 to 100,001"):
        export_scenario("saas_enterprise", tmp_path / "new", prices=prices)
    assert not (tmp_path / "new").exists()


def test_the_number_of_a_game_needs_a_seed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="number: game 3 of which seed"):
        export_scenario("saas_enterprise", tmp_path / "new", number=3)


def test_reasons_why_a_folder_does_not_fit(tmp_path: Path) -> None:
    from negmas.inout import Scenario as NegmasScenario

    def refused(space: Any, *ufuns: Any) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        NegmasScenario(outcome_space=space, ufuns=tuple(ufuns)).dumpas(folder, "yaml")
        with pytest.raises(CatalogueError) as caught:
            import_scenario(folder)
        return str(caught.value)

    assert "both utility functions rise, or fall" in refused(SPACE, buyer(), buyer())
    assert "it has 3 utility functions" in refused(SPACE, buyer(), seller(), seller())
    assert "there is no ZOPA" in refused(SPACE, buyer(0.8), seller(0.8))
    bent = LinearAdditiveUtilityFunction([TableFun({p: (p / 200) ** 2 for p in PRICE.all})], outcome_space=SPACE)
    assert "is not linear in it" in refused(SPACE, buyer(), bent)
    colours = make_os([make_issue(["red", "blue"], "colour")])
    flat, steep = (
        LinearAdditiveUtilityFunction([TableFun({"red": 0.0, "blue": b})], outcome_space=colours) for b in (1, 2)
    )
    assert "no issue is a price: colour" in refused(colours, flat, steep)
    with pytest.raises(CatalogueError, match="NegMAS finds no scenario there"):
        import_scenario(tmp_path / "nowhere")


def test_the_deal_of_an_export_is_that_of_a_game(tmp_path: Path) -> None:
    """An imported scenario is played with exactly its figures."""
    export_scenario("hiring_package_terms", tmp_path / "hiring", seed=1)
    found = import_scenario(tmp_path / "hiring")
    game = Game(make_config(found))
    game.reset(seed=9)
    for seat in range(2):
        view = view_of(game, seat)
        ufun = utility(deal_of(found), seat, (view.reservation_price, view.package_worth))
        assert view.reservation_price == pytest.approx((found.reservation.buyer, found.reservation.seller)[seat])
        assert 0.0 <= ufun.reserved_value <= 1.0


def test_the_command_line_writes_and_reads(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from parlay_marl.cli import app

    def run(*words: object) -> Any:
        return CliRunner().invoke(app, ["scenarios", *map(str, words)])

    assert run("saas_enterprise", "--out", tmp_path / "saas", "--form", "xml").exit_code == 0
    assert run(tmp_path / "saas", "--out", tmp_path / "mine.toml").exit_code == 0
    assert load_scenario(tmp_path / "mine.toml").reservation.buyer == 165_000
    assert "165,000" in run(tmp_path / "saas").output
    assert run("--out", tmp_path / "other").exit_code == 2
    (tmp_path / "there").touch()
    refused = run("saas_enterprise", "--out", tmp_path / "there" / "saas")
    assert (refused.exit_code, f"--out: cannot write {tmp_path}" in refused.output) == (2, True)
