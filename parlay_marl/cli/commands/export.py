"""`parlay export`: a policy from Stable-Baselines3 or RLlib into a policy file, and a policy into ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from parlay_marl.policies.policy import Policy

ORDER = 90
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
            metavar="tanh|relu", help="Activation of the hidden layers, where POLICY does not say it; default: tanh."
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(metavar="T", help="0: play the likeliest action; else draw from softmax(logits / T); default: 1."),
    ] = None,
    module: Annotated[
        str | None, typer.Option(metavar="NAME", help="Module of an RLlib checkpoint that has several.")
    ] = None,
    trait: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Trait that follows the observation in its input; repeat in their order."),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", "-s", metavar="NAME", help="Scenario that it was trained on; repeat for more."),
    ] = None,
    no_mask: Annotated[
        bool, typer.Option("--no-mask", help="Leave the input `action_mask` out of an ONNX graph.")
    ] = False,
) -> None:
    """Convert a policy: into a policy file, whose format is open and safe to pass on, or into an ONNX graph.

    No code in POLICY is run.

    For example: parlay export model.zip pupil.safetensors --scenario uniform
    """
    from parlay_marl.policies.export import import_policy

    _check_kind(out, no_mask)
    found = import_policy(
        policy, name=name, activation=activation, temperature=temperature, module=module, traits=trait or (),
        scenarios=scenario or (),
    )  # fmt: skip
    _write(found, out, no_mask)


def _check_kind(out: Path, no_mask: bool) -> None:
    """Refuse a file of another kind, and a missing mask where there is none."""
    from parlay_marl.errors import ConfigurationError

    if out.suffix not in KINDS:
        raise ConfigurationError(f"{out}: the ending gives the format; use a file that ends in .safetensors or .onnx")
    if no_mask and out.suffix != ".onnx":
        raise ConfigurationError(
            "--no-mask: only ONNX graphs have a mask; give a file that ends in .onnx, or leave it out"
        )


def _write(policy: Policy, out: Path, no_mask: bool) -> None:
    """Write a policy, and print its name and its layers."""
    from parlay_marl.policies.export import export_onnx
    from parlay_marl.policies.policy import write_policy

    if out.suffix == ".onnx":
        export_onnx(policy, out, masked=not no_mask)
    else:
        write_policy(out, policy)
    layers = ", ".join(map(str, policy.hidden))
    typer.echo(
        f"{out}: {policy.name}, {policy.inputs} inputs, hidden layers of {layers} ({policy.activation}), "
        f"{policy.actions} actions"
    )
