#!/usr/bin/env python3
"""Train with RLlib from the command line, and evaluate the learned policies.

    python experiments/rllib_experiment.py persona --scenario uniform --opponent linear --iterations 40 --out runs/one
    python experiments/rllib_experiment.py league --opponent linear --env-runners 2 --out runs/two
    python experiments/rllib_experiment.py persona --restore runs/one --iterations 20 --out runs/three   # continues
    python experiments/rllib_experiment.py persona --sweep 8 --out runs/sweep

CONFIG is who learns: `two` (a buyer's and a seller's policy), `shared` (one policy in both seats), `persona` (against
the opponents), `league` (against itself and its frozen past) or `zoo` (against all scripted personas). Policies that
learn against each other meet the opponents in half of their games. Needs `pip install "parlay-marl[rllib]"`.

OUT gets experiment.json (the options), results.csv and curves for TensorBoard (a line and a point for each
iteration), `checkpoint`, each learned policy as NAME.safetensors, and evaluation.json. A sweep keeps its trials, too,
and continues with the best one. In the end a table compares the policies, against the opponents that they were trained
on, with random play and with the linear conceder: mean payoffs with 95% intervals over game numbers. The exit status
is 1 where a training had an illegal move.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import functools
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads than free cores make torch many times slower

CONFIGS = {"two": 40, "shared": 40, "persona": 40, "league": 40, "zoo": 150}
"""Kinds of experiments, with the iterations that they have by default."""
GIVEN_BY_CHECKPOINT = ("scenario", "opponent", "env_runners", "lanes", "reward", "seed", "sweep")
EXPERIMENT, CHECKPOINT = "experiment.json", "checkpoint"
YARDSTICKS = ("random", "linear")
EVALUATION_SEED = 2**62
"""Far from the seeds of training."""


def main() -> int:
    """Run the experiment of the command line; return the exit status."""
    options = parsed()
    from parlay_marl.errors import ParlayError

    try:
        import parlay_marl.training.rllib  # noqa: F401 - says what to install where that is missing

        check_new(options.out)
        return sweep(options) if options.sweep else experiment(options)
    except ParlayError as error:
        print(f"rllib_experiment: {error}", file=sys.stderr)
        return 2


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", metavar="CONFIG", choices=CONFIGS, help=", ".join(CONFIGS))
    parser.add_argument("--out", type=Path, required=True, help="new folder for all results")
    parser.add_argument("--scenario", "-s", action="append", metavar="NAME|FILE", help="default: saas_enterprise")
    parser.add_argument(
        "--opponent",
        "-o",
        action="append",
        metavar="NAME|FILE[=WEIGHT]",
        help="persona or policy file; default: linear",
    )
    parser.add_argument("--iterations", type=int, help="iterations, of 8,192 turns each; 40, for zoo 150")
    parser.add_argument("--env-runners", type=int, help="processes that play, beside this one; 0: none")
    parser.add_argument("--lanes", type=int, help="games at once in each of them; 256")
    parser.add_argument("--reward", choices=("payoff", "shaped"), help="what the game pays; payoff")
    parser.add_argument("--seed", type=int, help="seed of all chance; 0")
    parser.add_argument(
        "--restore", type=Path, metavar="OUT", help="continue from the checkpoint of another experiment"
    )
    parser.add_argument("--checkpoint-every", type=int, default=10, metavar="N", help="iterations; 10")
    parser.add_argument("--sweep", type=int, metavar="TRIALS", help="search rates of learning and entropy by ASHA")
    parser.add_argument("--games", type=int, default=500, help="games in each cell of the evaluation; 500")
    parser.add_argument("--address", help="a Ray cluster to use; default: one is started here")
    options = parser.parse_args()
    if options.restore:
        for name in GIVEN_BY_CHECKPOINT:
            if getattr(options, name) is not None:
                parser.error(f"--{name.replace('_', '-')}: the restored experiment has its own; leave it out")
    defaults = {"iterations": CONFIGS[options.config], "env_runners": 0, "lanes": 256, "reward": "payoff", "seed": 0}
    for name, default in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    least = {"iterations": 1, "env_runners": 0, "lanes": 2, "seed": 0, "checkpoint_every": 1, "sweep": 1, "games": 2}
    for name, bound in least.items():
        given = getattr(options, name)
        if given is not None and given < bound:
            parser.error(f"--{name.replace('_', '-')}: give {bound} or more, not {given}")
    return options


# ------------------------------------------------------------------------------------------------------------ training


def configured(options: argparse.Namespace) -> Any:
    """Return RLlib's configuration of an experiment."""
    from parlay_marl.cli.model_options import read_weights
    from parlay_marl.training import rllib
    from parlay_marl.training.config import scripted_personas

    games = {"scenarios": options.scenario or ["saas_enterprise"], "reward": options.reward}
    opponents = read_weights("--opponent", options.opponent or ["linear"])
    make = {
        "two": lambda: rllib.two_policies(opponents, **games),
        "shared": lambda: rllib.shared_policy(opponents, **games),
        "persona": lambda: rllib.against_zoo(opponents, **games),
        "league": lambda: rllib.self_play_league(opponents, **games),
        "zoo": lambda: rllib.against_zoo(opponents if options.opponent else scripted_personas(), **games),
    }
    return (
        make[options.config]()
        .env_runners(num_env_runners=options.env_runners, num_envs_per_env_runner=options.lanes)
        .debugging(seed=options.seed)
    )


def experiment(options: argparse.Namespace) -> int:
    """Train, write the policies, and evaluate them."""
    from ray.rllib.algorithms.algorithm import Algorithm

    from parlay_marl.training.rllib.session import session

    source = restored(options)
    config = configured(options)
    with session(config, options.address):
        check_room(options)
        begin(options)
        algorithm = config.build_algo() if source is None else Algorithm.from_checkpoint(str(source))
        try:
            illegal = trained(algorithm, options)
            return report(algorithm, options, illegal)
        finally:
            stop(algorithm)


def restored(options: argparse.Namespace) -> Path | None:
    """Return the checkpoint to continue from, and take over the options of the experiment that wrote it."""
    from parlay_marl.errors import ConfigurationError

    if options.restore is None:
        return None
    source = (options.restore / CHECKPOINT).resolve()
    try:
        asked = json.loads((options.restore / EXPERIMENT).read_text("utf-8"))
    except (OSError, ValueError):
        asked = None
    if not source.is_dir() or asked is None:
        raise ConfigurationError(f"--restore {options.restore}: it holds no checkpoint; give the OUT of an experiment")
    if asked["config"] != options.config:
        raise ConfigurationError(f"--restore {options.restore}: it is an experiment of the kind {asked['config']!r}")
    for name in GIVEN_BY_CHECKPOINT:
        setattr(options, name, asked[name])
    options.sweep = None
    return source


def check_new(out: Path) -> None:
    """Refuse a folder that is not empty."""
    from parlay_marl.errors import ConfigurationError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigurationError(f"--out {out}: it is there, and not an empty folder; give a new one")


def begin(options: argparse.Namespace) -> None:
    """Make the folder of the results."""
    from parlay_marl.errors import ConfigurationError

    try:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / EXPERIMENT).write_text(json.dumps(vars(options), indent=2, default=str) + "\n", "utf-8")
    except OSError as error:
        raise ConfigurationError(f"--out {options.out}: {error.strerror}; give another folder") from None


def trained(algorithm: Any, options: argparse.Namespace) -> int:
    """Train, with a line and a point of each curve for every iteration; return the number of illegal moves."""
    from tensorboardX import SummaryWriter

    illegal = 0
    with (options.out / "results.csv").open("w", newline="") as file, SummaryWriter(str(options.out)) as curves:
        table = csv.writer(file)
        for count in range(1, options.iterations + 1):
            started = time.perf_counter()
            figures = figures_of(algorithm.train(), time.perf_counter() - started)
            illegal = int(figures["illegal_moves"])
            if count == 1:
                table.writerow(figures)
            table.writerow(figures.values())
            file.flush()
            for name, value in figures.items():
                curves.add_scalar(name, value, int(figures["turns"]))
            print("  ".join(f"{name} {short(value)}" for name, value in figures.items()), flush=True)
            if count % options.checkpoint_every == 0 or count == options.iterations:
                keep(algorithm, options.out)
    return illegal


def figures_of(result: dict[str, Any], seconds: float) -> dict[str, float]:
    """Return the figures of an iteration."""
    played, negotiation = result["env_runners"], result["env_runners"]["negotiation"]
    own = {name: value for name, value in negotiation["payoff"].items() if not name.startswith("past_")}
    learned = {name: values for name, values in result["learners"].items() if name in own}
    return {
        "iteration": result["training_iteration"],
        "turns": played["num_env_steps_sampled_lifetime"],
        "turns/s": played["num_env_steps_sampled"] / seconds,
        "deals": float(negotiation["deal_rate"]),
        **{f"payoff/{name}": float(own[name]) for name in sorted(own)},
        **{f"entropy/{name}": float(learned[name]["entropy"]) for name in sorted(learned)},
        "illegal_moves": negotiation["illegal_moves"],
    }


def short(value: float) -> str:
    """Return a figure as it is printed."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3f}"


def keep(algorithm: Any, out: Path) -> None:
    """Write a checkpoint in place of the one before."""
    new, place = out / f"{CHECKPOINT}.new", out / CHECKPOINT
    shutil.rmtree(new, ignore_errors=True)
    algorithm.save_to_path(str(new.resolve()))
    shutil.rmtree(place, ignore_errors=True)
    new.rename(place)


def stop(algorithm: Any) -> None:
    """Stop an algorithm, and take away the empty folder that RLlib makes for each in the home folder."""
    algorithm.stop()
    folder = Path(algorithm.logdir)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def sweep(options: argparse.Namespace) -> int:
    """Search a small space by ASHA, and continue with the best trial as with an experiment."""
    from ray import tune
    from ray.rllib.algorithms.algorithm import Algorithm
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.basic_variant import BasicVariantGenerator

    from parlay_marl.training.rllib.session import session

    config = configured(options)
    metric = "env_runners/episode_return_mean" if options.config == "two" else "env_runners/negotiation/payoff/learner"
    config.training(lr=tune.loguniform(3e-4, 3e-3), entropy_coeff=tune.loguniform(1e-3, 3e-2))
    with session(config, options.address):
        check_room(options)
        begin(options)
        tuner = tune.Tuner(
            config.algo_class,
            param_space=config,
            tune_config=tune.TuneConfig(
                metric=metric,
                mode="max",
                num_samples=options.sweep,
                search_alg=BasicVariantGenerator(random_state=options.seed),
                scheduler=ASHAScheduler(max_t=options.iterations, grace_period=max(options.iterations // 8, 1)),
            ),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(options.out.resolve()),
                stop={"training_iteration": options.iterations},
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True),
                callbacks=[printing(metric)],
                verbose=0,
            ),
        )
        results = tuner.fit()
        found = results.get_dataframe().sort_values(metric, ascending=False, ignore_index=True)
        columns = {"trial_id": "trial", "config/lr": "lr", "config/entropy_coeff": "entropy_coeff"}
        columns |= {"training_iteration": "iterations", metric: "payoff", "time_total_s": "seconds"}
        found = found[list(columns)].rename(columns=columns)
        found.to_csv(options.out / "results.csv", index=False)
        print(found.to_string())
        best = results.get_best_result()
        algorithm = Algorithm.from_checkpoint(best.checkpoint.path)
        try:
            keep(algorithm, options.out)
            illegal = sum(int(each.metrics["env_runners"]["negotiation"]["illegal_moves"]) for each in results)
            return report(algorithm, options, illegal)
        finally:
            stop(algorithm)


def printing(metric: str) -> Any:
    """Return a callback that prints a line for each iteration of a trial."""
    from ray import tune

    class Lines(tune.Callback):
        """Prints results as they come."""

        def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **_: Any) -> None:
            payoff = functools.reduce(lambda found, key: found[key], metric.split("/"), result)
            rates = "  ".join(f"{name} {value:.2g}" for name, value in trial.evaluated_params.items())
            print(
                f"{trial.trial_id}  {rates}  iteration {result['training_iteration']}  payoff {payoff:.3f}", flush=True
            )

    return Lines()


def check_room(options: argparse.Namespace) -> None:
    """Refuse more processes than a Ray of this machine can ever begin; a cluster elsewhere may grow."""
    import ray

    from parlay_marl.errors import ConfigurationError

    wanted, there = options.env_runners + (1 if options.sweep else 0), int(ray.cluster_resources().get("CPU", 0))
    if options.address is None and wanted > there:
        raise ConfigurationError(
            f"--env-runners {options.env_runners}: {wanted} processes need a CPU each, and there are {there}; "
            "give fewer, or the --address of a cluster"
        )


# ---------------------------------------------------------------------------------------------------------- evaluation


def report(algorithm: Any, options: argparse.Namespace, illegal: int) -> int:
    """Write the learned policies, compare them with the yardsticks, and print the table."""
    from parlay_marl.policies.policy import write_policy
    from parlay_marl.training import rllib
    from parlay_marl.training.rllib_settings import env_settings

    modules = ("buyer", "seller") if options.config == "two" else ("learner",)
    files = []
    for module in modules:
        files.append(options.out / f"{module}.safetensors")
        write_policy(files[-1], rllib.policy_of(algorithm, module))
    settings = env_settings(algorithm.config.env_config)
    rows = compared([files[0], files[-1]], settings, options.games)
    beaten = all(rows["learned"].low > rows[name].high for name in YARDSTICKS)
    print(f"\nmean payoff against {', '.join(settings.opponents)}, over {', '.join(settings.scenarios)}, both seats:")
    for name, found in rows.items():
        print(f"  {name:<10} {found.mean:7.3f}   {found.low:7.3f} to {found.high:7.3f}")
    print("clear of both yardsticks" if beaten else "NOT clear of both yardsticks")
    print(f"illegal moves in training: {illegal}")
    data = {"illegal_moves": illegal, "games": options.games, "clear": beaten}
    data |= {"payoffs": {name: dataclasses.asdict(found) for name, found in rows.items()}}
    (options.out / "evaluation.json").write_text(json.dumps(data, indent=2) + "\n")
    return 0 if illegal == 0 else 1


def compared(learned: list[Path], settings: Any, games: int) -> dict[str, Any]:
    """Return the mean payoff of the learned pair and of the yardsticks against the opponents of the training."""
    import numpy as np

    from parlay_marl.catalogue import build_params, load_rules, load_scenario
    from parlay_marl.players.persona import as_persona
    from parlay_marl.studies.evaluation import games_of, payoffs
    from parlay_marl.studies.intervals import student_interval

    deals = [
        build_params(
            load_scenario(name), load_rules(settings.rules), rounds=settings.max_rounds,
            information=settings.information, reward="payoff",
        )
        for name in settings.scenarios
    ]  # fmt: skip
    weights = np.array(list(settings.opponents.values()))
    pairs = {"learned": learned, **{name: [name, name] for name in YARDSTICKS}}
    play = functools.partial(games_of, deals=deals, games=games, seed=EVALUATION_SEED)
    found = {}
    for name, pair in pairs.items():
        seats = list(enumerate(map(as_persona, pair)))
        paid = [
            [payoffs(play(player, rival, seat=seat), seat) for seat, player in seats]
            for rival in map(as_persona, settings.opponents)
        ]
        found[name] = student_interval(np.average(np.mean(paid, axis=1), axis=0, weights=weights))
    return found


if __name__ == "__main__":
    sys.exit(main())
