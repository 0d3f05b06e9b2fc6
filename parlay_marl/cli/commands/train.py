"""`parlay train`: train a policy by self-play, and keep the run in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parlay_marl.cli.model_options import ModelOptions, given_settings
from parlay_marl.cli.options import Quiet

if TYPE_CHECKING:
    from parlay_marl.training.config import TrainingConfig

ORDER = 60
OPTIONS = ModelOptions("parlay_marl.training.config", "TrainingConfig")


def train(
    context: typer.Context,
    out: Annotated[
        Path, typer.Argument(metavar="FOLDER", readable=False, help="New folder for the run.", show_default=False)
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the folder, with its own settings.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train a policy by self-play against itself, its past and personas, and keep the run in a folder.

    FOLDER holds the policy as a .safetensors file, which plays wherever a persona does. Needs the extra `train`.

    For example: parlay train runs/ada --frames 5000000 --threads 2
    """
    from parlay_marl.cli.training_tables import evaluation_line, training_bar
    from parlay_marl.core.compiled.waiting import quietly
    from parlay_marl.training.folder import Folder
    from parlay_marl.training.selfplay import train as train_policy

    config = _config(out, given_settings(context), resume)
    if quiet:
        with quietly():
            train_policy(config, out, resume=resume)
    else:
        with training_bar("training") as (on_progress, print_above):
            train_policy(
                config,
                out,
                resume=resume,
                on_progress=on_progress,
                on_evaluation=lambda frames, evaluation: print_above(evaluation_line(frames, evaluation)),
            )
    typer.echo(Folder(out).policy(Folder(out).config()))


def _config(out: Path, given: dict[str, Any], resume: bool) -> TrainingConfig | None:
    """Return the settings of the run, or None where the folder has them."""
    from parlay_marl.catalogue.files import validate
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.option import flags
    from parlay_marl.training.config import TrainingConfig

    names = flags(TrainingConfig)
    if resume:
        if given:
            left_out = ", ".join(names[name] for name in given)
            raise ConfigurationError(f"--resume: the run has its own settings; leave out {left_out}")
        return None
    default = {"name": out.name} if TrainingConfig.name_fits(out.name) else {}
    return validate(TrainingConfig, default | given, "train", names)
