"""`parlay export`: a policy from Stable-Baselines3 or RLlib into a policy file, and a policy into ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

KINDS = (".safetensors", ".onnx")


def export(
    policy: Annotated[
        Path,
        typer.Argument(
            metavar="POLICY",
            help="A .safetensors file, a .zip of Stable-Baselines3, or a checkpoint folder of RLlib's new API stack.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", readable=False, help="The file to write, .safetensors or .onnx.")
    ],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Its name; default: the file's.")] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="tanh|relu", help="Function of the hidden layers, where POLICY does not say it; default: tanh."
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(metavar="T", help="0: play the likeliest action; else draw from softmax(logits / T); default: 1."),
    ] = None,
    module: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which module of an RLlib checkpoint, where it has several.")
    ] = None,
    trait: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A trait that follows the observation in its input, once for each, in order."
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", "-s", metavar="NAME", help="What it was trained on, once for each scenario."),
    ] = None,
    no_mask: Annotated[
        bool, typer.Option("--no-mask", help="Leave the input `action_mask` out of an ONNX graph.")
    ] = False,
) -> None:
    """Convert a policy: into a policy file, whose format is open and safe to pass on, or into an ONNX graph.

    Nothing that POLICY holds is run.

    For example: parlay export model.zip pupil.safetensors --scenario uniform
    """
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.policies.policy import write_policy
    from parlay_marl.training.export import export_onnx, import_policy

    if out.suffix not in KINDS:
        raise ConfigurationError(
            f"{out}: what to write is told by its ending; give a file that ends in .safetensors or .onnx"
        )
    if no_mask and out.suffix != ".onnx":
        raise ConfigurationError(
            "--no-mask: only ONNX graphs have a mask; give a file that ends in .onnx, or leave it out"
        )
    found = import_policy(
        policy,
        name=name,
        activation=activation,
        temperature=temperature,
        module=module,
        traits=tuple(trait or ()),
        scenarios=tuple(scenario or ()),
    )
    if out.suffix == ".onnx":
        export_onnx(found, out, masked=not no_mask)
    else:
        write_policy(out, found)
    layers = ", ".join(map(str, found.hidden))
    typer.echo(
        f"{out}: {found.name}, {found.inputs} inputs, hidden layers of {layers} ({found.activation}), "
        f"{found.actions} actions"
    )
