"""`parlay scenarios`: the scenarios of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from parlay_marl.catalogue import AnyScenario, Scenario
    from parlay_marl.catalogue.scenarios import Effect, Event
    from parlay_marl.catalogue.types import Types

ORDER = 120

Row = tuple[str, str]


def scenarios(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A scenario, by name or .toml file; family:NAME or FILE; or a folder of NegMAS or Genius.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Write it: into a .toml file, or a folder of NegMAS, which needs the extra negmas.",
        ),
    ] = None,
    form: Annotated[
        str, typer.Option(metavar="yaml|xml", help="Form of the files in the folder; xml: Genius.")
    ] = "yaml",
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Write the figures of its first game of this seed, not the nominal; of a family: deals of this seed.",
        ),
    ] = None,
    deals: Annotated[int, typer.Option(metavar="N", min=0, max=1000, help="Deals of a family to show.")] = 3,
) -> None:
    """List the scenarios and families, show one: its story, figures, terms and events, or write it into other files.

    For example: parlay scenarios saas_enterprise --out mine.toml
    """
    from parlay_marl.catalogue import Scenario, family_names, load_family, load_scenario, scenario_names
    from parlay_marl.cli.console import output
    from parlay_marl.cli.family_page import list_families, show_family

    console = output()
    if name is None:
        _refuse(context, ("out", "form", "seed", "deals"), "name the scenario to show or to write")
        _list([load_scenario(known) for known in scenario_names()], console)
        list_families([load_family(known) for known in family_names()], console)
        return
    found = _found(name)
    _check_effects(context, isinstance(found, Scenario), out)
    if out is not None:
        _write(found, out, form, seed)
    elif isinstance(found, Scenario):
        show_scenario(found, console)
    else:
        show_family(found, deals, seed or 0, console)


def _check_effects(context: typer.Context, is_scenario: bool, out: Path | None) -> None:
    """Refuse options that have no effect on what is shown or written."""
    if out is None or _is_file(out):
        _refuse(context, ["form"], "it is for a folder of NegMAS; give one with --out FOLDER")
    if is_scenario and out is None:
        _refuse(context, ["seed"], "it is for a family's deals, and for figures that are written; give --out as well")
    if is_scenario or out is not None:
        _refuse(context, ["deals"], "it is for a family that is shown, without --out; leave it out")


def _refuse(context: typer.Context, names: Sequence[str], advice: str) -> None:
    """Refuse the options that are given, where they would have no effect."""
    from parlay_marl.cli.model_options import was_given
    from parlay_marl.errors import ConfigurationError

    given = [f"--{name}" for name in names if was_given(context, name)]
    if given:
        raise ConfigurationError(f"{', '.join(given)}: without effect here: {advice}")


def _is_file(out: Path) -> bool:
    """Return whether a scenario is written into a file, not into a folder."""
    return out.suffix == ".toml"


def _found(name: str) -> AnyScenario:
    """Return a scenario or family by name, file, or folder of NegMAS."""
    from parlay_marl.catalogue import load_any_scenario, scenario_names

    if name not in scenario_names() and Path(name).is_dir():
        from parlay_marl.exchange import import_scenario

        return import_scenario(name)
    return load_any_scenario(name)


def _write(found: AnyScenario, out: Path, form: str, seed: int | None) -> None:
    """Write a scenario, or the first deal of a family's seed, into a file or a folder, and say so."""
    from parlay_marl.catalogue import Scenario
    from parlay_marl.game.config import make_config

    scenario = found if isinstance(found, Scenario) else make_config(found).deal(seed or 0, 0).played
    if not _is_file(out):
        _write_folder(scenario, out, form, seed)
    elif seed is None or scenario is not found:
        _write_file(scenario, out)
    else:
        from parlay_marl.game.exact import with_figures_of_game

        _write_file(with_figures_of_game(scenario, seed), out)
    typer.echo(f"{out}: {scenario.name}")


def _write_file(scenario: Scenario, out: Path) -> None:
    """Write a scenario into a .toml file."""
    from parlay_marl.catalogue.toml_text import scenario_text
    from parlay_marl.cli.resultfile import ResultFile

    with ResultFile(out, "--out") as file:
        file.write(scenario_text(scenario).encode())


def _write_folder(scenario: Scenario, out: Path, form: str, seed: int | None) -> None:
    """Write a scenario into a folder of NegMAS."""
    from parlay_marl.catalogue.files import reason_of
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.exchange import export_scenario

    if out.exists() and not out.is_dir():
        raise ConfigurationError(f"--out: cannot write {out}: it is no folder; name a folder or a .toml file")
    try:
        export_scenario(scenario, out, form=form, seed=seed)
    except OSError as error:
        raise ConfigurationError(f"--out: cannot write {out}: {reason_of(error)}") from None


def _list(known: list[Scenario], console: Console) -> None:
    """Print the scenarios as a table."""
    from parlay_marl.cli.console import show
    from parlay_marl.cli.layout import grid

    table = grid("name", "title", "price range", "terms", "events", right=("terms", "events"))
    for scenario in known:
        span = f"{scenario.currency} {_short(scenario.low)} to {_short(scenario.high)}"
        table.add_row(scenario.name, scenario.title, span, str(len(scenario.terms)), str(len(scenario.events)))
    show(console, table)
    console.print("`parlay scenarios NAME` shows one; `--scenario NAME` plays it.", style="parlay.dim")


def _short(amount: float) -> str:
    """Return an amount in thousands or millions where it is that large."""
    for unit, name in ((1e6, "m"), (1e3, "k")):
        if amount >= unit:
            return f"{amount / unit:g}{name}"
    return f"{amount:g}"


def show_scenario(scenario: Scenario, console: Console) -> None:
    """Print one scenario."""
    from parlay_marl.cli.layout import paragraph, section

    console.print(f"{scenario.name}: {scenario.title}", style="parlay.title")
    paragraph(console, scenario.story)
    section(console, "Public", _public(scenario))
    section(console, "Private, drawn anew for every game", _private(scenario))
    for term in scenario.terms:
        worths = [
            (
                option.name,
                f"{_signed(option.buyer, scenario)} to the buyer, {_signed(option.seller, scenario)} to the seller",
            )
            for option in term.options
        ]
        section(console, f"Term: {term.name} (worth in {scenario.currency}, against the first)", worths)
    section(console, "Events", [_event(event) for event in scenario.events] or [("none", "")])


def _unit(scenario: Scenario) -> str:
    """Return the smallest difference of prices, in words."""
    from parlay_marl.game.text import exact_money

    return f"in units of {exact_money(scenario.price_unit, scenario)}"


def _public(scenario: Scenario) -> list[Row]:
    """Return the facts that both seats know from the start."""
    from parlay_marl.game.text import exact_money

    opener = "drawn by lot" if scenario.opener == "random" else f"the {scenario.opener}"
    rows = [
        (
            "price",
            f"{exact_money(scenario.low, scenario)} to {exact_money(scenario.high, scenario)}, {_unit(scenario)}",
        ),
        ("rounds", f"{scenario.rounds}, opened by: {opener}"),
        ("limits", "public" if scenario.information == "complete" else "private"),
    ]
    if scenario.terms:
        rows.append(("terms", f"{', '.join(term.name for term in scenario.terms)}: {scenario.n_packages} packages"))
    if scenario.discount_factor is not None:
        factors = scenario.discount_factor
        rows.append(("discount", f"buyer {factors.buyer:g}, seller {factors.seller:g} a round"))
    return rows


def _private(scenario: Scenario) -> list[Row]:
    """Return the nominal values of the figures that each game draws, and their ZOPA."""
    from parlay_marl.catalogue.scenarios import shares_of
    from parlay_marl.game.text import money

    limits, urgency, alternative = scenario.reservation, scenario.urgency, scenario.alternative
    if scenario.types is not None:
        rows = [(f"{seat}", _types(scenario.types, seat, scenario)) for seat in ("buyer", "seller")]
    elif limits.buyer is None or limits.seller is None:
        rows = [("limits", "anywhere in the range, all figures alike")]
    else:
        spread = f", each within {limits.spread:.0%}" if limits.spread else ", exactly"
        pair = f"buyer {money(limits.buyer, scenario)}, seller {money(limits.seller, scenario)}"
        rows = [("limits", pair + spread)]
    if scenario.types is None:
        spread = f", each within {urgency.spread:g}" if urgency.spread else ", exactly"
        rows.append(("urgency", f"buyer {urgency.buyer:g}, seller {urgency.seller:g}{spread}"))
        rows.append(("alternative", f"buyer {alternative.buyer:.0%}, seller {alternative.seller:.0%} of the games"))
    if scenario.terms and scenario.value_spread:
        rows.append(("terms", f"worth as below, times 1 ± {scenario.value_spread:g}: how much a seat cares"))
    width = scenario.nominal_width
    share = f"{money(width * (scenario.high - scenario.low), scenario)}, {width:.0%} of the range"
    drawn = shares_of(scenario)
    games = f"{drawn.no_zopa:.0%} have no ZOPA, {drawn.limit_outside:.0%} a limit outside the price range"
    return [*rows, ("ZOPA", f"{share}, at these figures"), ("games", games)]


def _types(types: Types, seat: str, scenario: Scenario) -> str:
    """Return the types of a seat and how likely they are, a line each."""
    from parlay_marl.game.text import money

    lines = []
    for probability, each in zip(types.probabilities(seat), types.of(seat), strict=True):
        urgency = getattr(scenario.urgency, seat) if each.urgency is None else each.urgency
        has = ", has an alternative" if each.alternative else ""
        lines.append(f"{probability:.1%}: limit {money(each.reservation, scenario)}, urgency {urgency:g}{has}")
    return "\n".join(lines)


def _signed(amount: float, scenario: Scenario) -> str:
    """Return an amount of currency with its sign, 0 without one."""
    from parlay_marl.game.text import number

    return ("+" if amount > 0 else "") + number(amount, scenario)


def _event(event: Event) -> Row:
    """Return the round of an event, its public headline and its private effects."""
    jitter = f" ± {event.jitter}" if event.jitter else ""
    effects = [
        f"{seat}: {_effect(effect)}" for seat, effect in (("buyer", event.buyer), ("seller", event.seller)) if effect
    ]
    return (f"round {event.round + 1}{jitter}", f"{event.headline}\n" + "; ".join(effects))


def _effect(effect: Effect) -> str:
    """Return the effects of an event on a seat, in words."""
    parts = [f"urgency {effect.urgency:+g}"] if effect.urgency else []
    if effect.alternative is not None:
        parts.append("gains an alternative" if effect.alternative else "loses its alternative")
    if effect.value_shift:
        parts.append(f"limit {'tougher' if effect.value_shift > 0 else 'softer'} by {abs(effect.value_shift):g} ZOPAs")
        parts[-1] += " x its sensitivity"
    return ", ".join(parts) or "nothing"
