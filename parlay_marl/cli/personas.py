"""`parlay personas`: who can sit at the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from parlay_marl.catalogue import Persona

Row = tuple[str, str] | tuple[str, str, str]

SAMPLE = 2
"""Lines shown for each occasion."""


def personas(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A persona, by name or .toml file.", show_default=False)
    ] = None,
) -> None:
    """List the personas, or show one: its traits, tactics, drift and voice."""
    from parlay_marl.catalogue import load_persona, persona_names
    from parlay_marl.cli.console import output

    console = output()
    if name is not None:
        _show(load_persona(name), console)
    else:
        _list([load_persona(known) for known in persona_names()], console)


def _list(known: list[Persona], console: Console) -> None:
    """Print the personas as a table."""
    from parlay_marl.cli.console import show
    from parlay_marl.cli.layout import grid

    table = grid(
        "name", "title", "strategy", "aggression", "patience", "bluffs", right=("aggression", "patience", "bluffs")
    )
    for persona in known:
        traits, tactics = persona.traits.model_dump(), persona.tactics.model_dump()  # type: ignore[attr-defined]
        numbers = (f"{traits[trait]:.2f}" for trait in ("aggression", "patience", "bluff_rate"))
        table.add_row(persona.name, persona.title, tactics["strategy"], *numbers)
    show(console, table)
    console.print("`parlay personas NAME` shows one; `parlay watch A B` lets two of them meet.", style="parlay.dim")


def _show(persona: Persona, console: Console) -> None:
    """Print one persona."""
    from parlay_marl.cli.layout import paragraph, section

    console.print(f"{persona.name}: {persona.title}", style="parlay.title")
    paragraph(console, persona.summary)
    if persona.source:
        paragraph(console, f"After: {persona.source}", "parlay.dim")
    section(console, "Traits", _numbers(persona.traits))
    changed = _numbers(persona.tactics, only_changed=True)
    section(console, "Tactics that differ from the defaults", changed or [("none", "")])
    section(console, "Drift", _drift(persona))
    section(console, "Voice", _voice(persona))


def _numbers(model: Any, only_changed: bool = False) -> list[Row]:
    """Return the numbers of a model with their meanings, or those of them that are not the defaults."""
    rows: list[Row] = []
    for key, field in type(model).model_fields.items():
        value = getattr(model, key)
        if not only_changed or value != field.default:
            rows.append((key, value if isinstance(value, str) else f"{value:g}", field.description or ""))
    return rows


def _drift(persona: Persona) -> list[Row]:
    """Return what makes a persona change, and into what."""
    from parlay_marl.catalogue.personas import Drift

    drift = persona.drift
    when = [f"an event about {tag}" for tag in drift.on]
    when += [f"tension past {drift.tension:g}"] if drift.tension != Drift.model_fields["tension"].default else []
    when += ["a bluff of its own is caught"] if drift.caught else []
    when += ["an honest claim of its own is doubted"] if drift.doubted else []
    if not when:
        return [("never", "")]
    rows: list[Row] = [("on", "; ".join(when))]
    for key, value in {**drift.traits, **drift.tactics}.items():
        before = getattr(persona.traits, key, None)
        before = getattr(persona.tactics, key, None) if before is None else before
        now, then = (item if isinstance(item, str) else f"{item:g}" for item in (value, before))
        rows.append((key, f"{now} instead of {then}"))
    return rows


def _voice(persona: Persona) -> list[Row]:
    """Return some of a persona's lines for each occasion."""
    from parlay_marl.catalogue.personas import OCCASIONS

    said = {when: getattr(persona.voice, when)[:SAMPLE] for when in OCCASIONS}
    return [(when, line) for when, lines in said.items() for line in lines]
