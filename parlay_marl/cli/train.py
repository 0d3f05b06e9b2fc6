"""`parlay train`: a policy that has learned by self-play, and the folder of its training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parlay_marl.cli.options import Quiet, Scenarios, weighted

if TYPE_CHECKING:
    from parlay_marl.training.plan import Plan


def train(
    out: Annotated[
        Path, typer.Argument(metavar="FOLDER", readable=False, help="New folder for the run.", show_default=False)
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, by its own settings.")
    ] = False,
    scenario: Scenarios = None,
    opponent: Annotated[
        list[str] | None,
        typer.Option(
            "--opponent",
            "-o",
            metavar="NAME|FILE[=WEIGHT]",
            help="A persona or policy file to play against, once for each; default: the scripted personas.",
        ),
    ] = None,
    self_share: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Games against the policy as it is; 0.25.")
    ] = None,
    explorer_share: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Games against it that begin with random offers; 0.")
    ] = None,
    past_share: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Games against what it was earlier; 0.25.")
    ] = None,
    opponent_share: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Games against the opponents; 0.5.")
    ] = None,
    role: Annotated[str | None, typer.Option(metavar="buyer|seller|mixed", help="Seat of the learner; mixed.")] = None,
    reward: Annotated[str | None, typer.Option(metavar="payoff|shaped", help="What the game pays; payoff.")] = None,
    persona_rewards: Annotated[
        bool,
        typer.Option("--persona-rewards", help="Pay by traits, and give them to the network: it learns any persona."),
    ] = False,
    start: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Learned persona or policy file to begin as.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(metavar="N", help="Turns of the learner to train on; 20,000,000.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of all chance; 0.")] = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads of games and torch; 1.")] = None,
    rounds: Annotated[int | None, typer.Option(metavar="N", help="Rounds; default: as the scenario says.")] = None,
    information: Annotated[
        str | None, typer.Option(metavar="incomplete|complete", help="Are limits public? default: the scenario's.")
    ] = None,
    lanes: Annotated[int | None, typer.Option(metavar="N", help="Games at once; 2,048.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Turns in each between updates; 64.")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Frames of a gradient step; 8,192.")] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Passes over the frames of an update; 4.")] = None,
    learning_rate: Annotated[float | None, typer.Option(metavar="RATE", help="Learning rate at the start.")] = None,
    entropy: Annotated[float | None, typer.Option(metavar="WEIGHT", help="Weight of entropy at the start.")] = None,
    hidden: Annotated[
        str | None, typer.Option(metavar="N,N", help="Units of up to three hidden layers; 64,64.")
    ] = None,
    exit_bonus: Annotated[
        float | None, typer.Option(metavar="PAY", help="Extra pay for leaving talks without a ZOPA; 0.05.")
    ] = None,
    evaluate_every: Annotated[
        int | None, typer.Option(metavar="N", help="Frames between evaluations; 2,000,000.")
    ] = None,
    games: Annotated[int | None, typer.Option("--games", "-n", metavar="N", help="Games of their cells; 50.")] = None,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="Torch's device; default: a GPU if any.")] = None,
    quiet: Quiet = False,
) -> None:
    """Train a policy by self-play against itself, its past and personas, and keep the run in a folder.

    FOLDER holds the policy as a .safetensors file, which plays wherever a persona does. Needs the extra `train`.

    For example: parlay train runs/ada --frames 5000000 --threads 2
    """
    from parlay_marl.cli.console import tell_compiling
    from parlay_marl.cli.training_tables import show_evaluation, training_bar
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.training.folder import Folder
    from parlay_marl.training.selfplay import train as train_policy

    given: dict[str, Any] = {
        "scenarios": scenario, "opponents": opponent, "self_share": self_share, "explorer_share": explorer_share,
        "past_share": past_share,
        "opponent_share": opponent_share, "role": role, "reward": reward, "persona_rewards": persona_rewards or None,
        "start": start, "frames": frames, "seed": seed, "threads": threads, "max_rounds": rounds,
        "information": information,
        "lanes": lanes, "steps": steps, "batch_size": batch_size, "epochs": epochs, "learning_rate": learning_rate,
        "entropy": entropy, "hidden": hidden, "exit_bonus": exit_bonus, "evaluate_every": evaluate_every,
        "evaluation_games": games, "device": device,
    }  # fmt: skip
    named = {name: value for name, value in given.items() if value is not None}
    if resume and named:
        raise ConfigurationError(f"--resume: the run has its own settings; leave out {', '.join(sorted(named))}")
    plan = None if resume else _plan(out, named)
    if quiet:
        train_policy(plan, out, resume=resume)
    else:
        tell_compiling("reset_lanes", "step_lanes", "play_games")
        with training_bar("training") as (on_progress, tell):
            train_policy(
                plan,
                out,
                resume=resume,
                on_progress=on_progress,
                on_evaluation=lambda frames, evaluation: tell(show_evaluation(frames, evaluation)),
            )
    typer.echo(Folder(out).policy(Folder(out).plan()))


def _plan(out: Path, named: dict[str, Any]) -> Plan:
    """Return the plan of the options that were given."""
    from parlay_marl.catalogue.files import validate
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.training.plan import Plan, price_scenarios, scripted_personas

    settings = {"scenarios": price_scenarios(), **named}
    settings["opponents"] = dict(map(weighted, named["opponents"])) if "opponents" in named else scripted_personas()
    if "hidden" in named:
        try:
            settings["hidden"] = [int(units) for units in named["hidden"].split(",")]
        except ValueError:
            raise ConfigurationError(
                f"--hidden: give up to three whole numbers, as 64,64, not {named['hidden']!r}"
            ) from None
    if Plan.name_fits(out.name):
        settings["name"] = out.name
    return validate(Plan, settings, "training")
