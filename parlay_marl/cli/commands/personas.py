"""`parlay personas`: the personas of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from parlay_marl.catalogue import Persona
    from parlay_marl.players.persona import PersonaPlayer
    from parlay_marl.policies.policy import Policy

ORDER = 110

Row = tuple[str, str] | tuple[str, str, str]

MOST_FIGURES = 16
"""Figures of a training that are shown."""
EXAMPLES = 5
"""Personas drawn of a family that are shown."""
SAMPLE = 2
"""Lines shown for each occasion."""


def personas(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A persona, by name, .toml or .safetensors file.", show_default=False),
    ] = None,
) -> None:
    """List the personas, or show one: its traits, tactics or learned policy, drift and voice."""
    from parlay_marl.catalogue import load_persona, partner_names, persona_names
    from parlay_marl.catalogue.personas import family_names
    from parlay_marl.cli.console import output
    from parlay_marl.cli.start import persona

    console = output()
    if name is not None:
        _show(persona(name), console)
    else:
        _list([load_persona(known) for known in persona_names()], console)
        _list_others([load_persona(known) for known in [*partner_names(), *family_names()]], console)


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
        strategy = tactics["strategy"] if persona.policy is None else "learned"
        table.add_row(persona.name, persona.title, strategy, *numbers)
    show(console, table)
    console.print("`parlay personas NAME` shows one; `parlay watch A B` lets two of them play.", style="parlay.dim")


def _list_others(known: list[Persona], console: Console) -> None:
    """Print the partners beside the catalogue and the families."""
    from parlay_marl.cli.console import show
    from parlay_marl.cli.layout import grid

    table = grid("beside the catalogue", "title", "strategy", "training")
    for persona in known:
        strategy = persona.tactics.strategy if persona.family is None else "drawn for each game"  # type: ignore[attr-defined]
        table.add_row(persona.name, persona.title, strategy, "refuses it" if persona.held_out else "may meet it")
    show(console, table)


def _show_family(persona: Persona, console: Console) -> None:
    """Print the ranges of a family, and the first personas that are drawn of it."""
    from parlay_marl.catalogue.personas import as_range
    from parlay_marl.cli.layout import section
    from parlay_marl.players.drawn import drawn_persona

    family = persona.family
    assert family is not None
    both = (("Traits of all", family.traits), ("Tactics of all", family.tactics))
    for heading, numbers in both:
        rows = [(key, _range(as_range(number))) for key, number in numbers.items()]
        section(console, heading, rows or [("none", "")])
    total = sum(each.weight for each in family.strategies)
    strategies = [
        (
            each.strategy,
            f"{each.weight / total:.0%}",
            "; ".join(f"{key} {_range(as_range(n))}" for key, n in {**each.traits, **each.tactics}.items()),
        )
        for each in family.strategies
    ]
    section(console, "Strategies, with their own ranges", strategies)
    section(console, "Drift", [("share", f"{family.drift.chance:.0%}, into tactics that are drawn anew")])
    drawn = [drawn_persona(persona, 0, number, 1) for number in range(EXAMPLES)]
    section(console, "Sellers of the first games of seed 0", [(each.name, _in_short(each)) for each in drawn])


def _range(found: Any) -> str:
    """Return a range in words."""
    if found.low == found.high:
        return f"{found.low:g}"
    return f"{found.low:g} to {found.high:g}" + ("" if found.scale == "even" else f" ({found.scale})")


def _in_short(persona: Persona) -> str:
    """Return a drawn persona's strategy and the tactics that differ from the defaults."""
    changed = [f"{row[0]} {row[1]}" for row in _numbers(persona.tactics, only_changed=True) if row[0] != "strategy"]
    return ", ".join([persona.tactics.strategy, *changed])  # type: ignore[attr-defined]


def _show(player: PersonaPlayer, console: Console) -> None:
    """Print one persona."""
    from parlay_marl.cli.layout import paragraph, section

    persona, policy = player.persona, player.policy
    console.print(f"{persona.name}: {persona.title}", style="parlay.title")
    paragraph(console, persona.summary)
    if persona.source:
        paragraph(console, f"After: {persona.source}", "parlay.dim")
    if persona.held_out:
        paragraph(console, "Held out, for evaluation only: training refuses it.", "parlay.dim")
    if persona.family is not None:
        _show_family(persona, console)
        return
    section(console, "Traits", _numbers(persona.traits))
    if policy is None:
        changed = _numbers(persona.tactics, only_changed=True)
        section(console, "Tactics that differ from the defaults", changed or [("none", "")])
    else:
        section(console, "Learned policy, which plays in place of tactics", _network(policy, persona.policy_path))
        section(console, "Its training", _training(policy.training) or [("not said", "")])
    section(console, "Drift", _drift(persona))
    section(console, "Voice", _voice(persona) or [("silent", "")])


def _network(policy: Policy, path: Path | None) -> list[Row]:
    """Return the facts about the network of a learned persona."""
    rows: list[Row] = [("file", str(path))] if path is not None else []
    rows.append(("name", policy.name))
    layers = [policy.inputs, *policy.hidden, policy.actions]
    rows.append(("network", f"{' - '.join(map(str, layers))}, {policy.activation}"))
    room = "the most that a scenario may have" if policy.packages > 1 else "prices only, one package at a time"
    rows.append(("packages", f"{policy.packages}: {room}"))
    rows.append(("traits", ", ".join(policy.traits) or "none: all personas play it alike"))
    kind = "always the likeliest action" if policy.temperature == 0.0 else "draws from softmax(logits / temperature)"
    if policy.no_losses:
        rows.append(("losses", "it never offers or accepts what is worth less than nothing to it"))
    rows.append(("temperature", f"{policy.temperature:g}: {kind}"))
    rows.append(("scenarios", ", ".join(policy.scenarios) or "not said"))
    return rows


def _training(figures: Mapping[str, Any]) -> list[Row]:
    """Return the figures of a training in short, as JSON, which has no control characters."""
    import json

    rows: list[Row] = []
    for key, value in list(figures.items())[:MOST_FIGURES]:
        text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else json.dumps(value)
        rows.append((_cut(json.dumps(key)[1:-1], 24), _cut(text, 72)))
    more = len(figures) - len(rows)
    return [*rows, ("...", f"{more} more in the file")] if more else rows


def _cut(text: str, most: int) -> str:
    """Return a text, or its beginning where it is long."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _numbers(model: Any, only_changed: bool = False) -> list[Row]:
    """Return the numbers of a model with their meanings, or those that differ from the defaults."""
    rows: list[Row] = []
    for key, field in type(model).model_fields.items():
        value = getattr(model, key)
        if not only_changed or value != field.default:
            rows.append((key, value if isinstance(value, str) else f"{value:g}", field.description or ""))
    return rows


def _drift(persona: Persona) -> list[Row]:
    """Return the causes of a persona's drift, and the changed numbers."""
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
