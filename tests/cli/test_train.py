"""`parlay train`, `evaluate` and `exploit`: as a user calls them, in small, and what they say to mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from parlay_marl.policies.policy import read_policy
from parlay_marl.training.config import TrainingConfig
from tests.cli.conftest import Parlay, long_flags

QUICK = ("--lanes", "64", "--steps", "16", "--batch-size", "256", "--hidden", "8", "-n", "2")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a policy that has hardly learned anything."""
    from parlay_marl.training.selfplay import train

    folder = tmp_path_factory.mktemp("runs") / "pupil"
    train(
        TrainingConfig(
            name="pupil", scenarios=("uniform",), opponents={"linear": 1.0}, frames=2048, lanes=64, steps=16,
            batch_size=256, hidden=(8,), evaluation_games=2,
        ),
        folder,
    )  # fmt: skip
    return folder / "pupil.safetensors"


def test_train_keeps_a_run_and_names_the_policy(parlay: Parlay, tmp_path: Path) -> None:
    out = tmp_path / "ada"
    done = parlay("train", str(out), "--frames", "3000", "-s", "uniform", "-o", "linear", "-o", "shark=2", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(out / "ada.safetensors")
    assert "frames/s" in done.stderr
    assert "payoff" in done.stderr
    kept = read_policy(out / "ada.safetensors")
    assert (kept.name, kept.hidden, kept.scenarios) == ("ada", (8,), ("uniform",))
    assert json.loads((out / "run.json").read_text())["config"]["opponents"] == {"linear": 1.0, "shark": 2.0}
    again = parlay("train", str(out), "--resume", "--quiet")
    assert (again.exit_code, again.stderr) == (0, "")
    watched = parlay("watch", str(out / "ada.safetensors"), "diplomat", "-s", "uniform", "--seed", "3")
    assert watched.exit_code == 0, watched.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--frames", "0"), "train: --frames: Input should be greater than or equal to 1 (given 0)"),
        (("-o", "sharc"), "unknown persona 'sharc'; did you mean 'shark'?"),
        (("-o", "shark=much"), "--opponent shark=much: give a name, or a name and a weight"),
        (("-s", "nowhere"), "unknown scenario 'nowhere'"),
        (("--frames", "many"), "train: --frames: Input should be a valid integer, unable to parse"),
        (("--hidden", "64,many"), "train: --hidden: Input should be a valid integer, unable to parse"),
        (("--hidden", "8,8,8,8"), "train: --hidden: Tuple should have at most 3 items"),
        (("--hidden", "0"), "train: `--hidden`: give each layer 1 to 1024 units"),
        (("--device", "moon"), "device: torch cannot use 'moon' here"),
        (("--device", "cuda:99"), "device: torch cannot use 'cuda:99' here"),
        (("--learning-rate", "nan"), "train: --learning-rate: Input should be a finite number"),
        (("--role", "judge"), "train: --role: Input should be 'buyer', 'seller' or 'mixed'"),
        (("--batch-size", "100000000"), "train: `--batch-size` is more than `--lanes` * `--steps` = 131072; lower it"),
        (
            ("--persona-rewards", "--reward", "shaped"),
            "train: `--persona-rewards` needs payoffs; leave `--reward` at 'payoff'",
        ),
        (("--name", "a b"), "train: --name: String should match pattern"),
        (("--opponent-share", "nan"), "train: --opponent-share: Input should be a finite number"),
        (("-s", "uniform", "--checkpoint-seconds", "0"), "train: --checkpoint-seconds: Input should be greater than 0"),
        (("--resume",), "holds no run to resume; begin one without --resume"),
        (("--resume", "--frames", "5"), "--resume: the run has its own settings; leave out --frames"),
    ],
)
def test_what_cannot_be_trained_is_one_line_and_leaves_nothing(
    parlay: Parlay, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = parlay("train", str(tmp_path / "run"), *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_every_setting_has_an_option() -> None:
    own = {"--resume", "--quiet", "--help"}
    renamed = {"scenarios": "--scenario", "opponents": "--opponent", "max_rounds": "--rounds"}
    renamed["evaluation_games"] = "--games"
    fields = {renamed.get(name, "--" + name.replace("_", "-")) for name in TrainingConfig.model_fields}
    assert long_flags("train") == own | fields


def test_help_shows_defaults_and_what_repeats(parlay: Parlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    shown = parlay("train", "--help").stdout
    rows = {words[0]: row for row in shown.splitlines() if (words := re.findall("--[a-z-]+", row))}
    for flag, default in (("--hidden", "64,64"), ("--frames", "20,000,000"), ("--final-learning-rate", "0.0001")):
        assert f"[default: {default}]" in rows[flag]
    assert "NAME|FILE[=WEIGHT]" in rows["--opponent"]
    assert "Repeat for more." in rows["--scenario"]
    assert "relu|tanh" in rows["--activation"]
    assert "default" not in rows["--persona-rewards"]


def test_all_settings_are_read(parlay: Parlay, tmp_path: Path) -> None:
    out = tmp_path / "ada"
    more = ("--turn-discount", "0.9", "--activation", "tanh", "--temperature", "1", "--final-learning-rate", "0")
    limits = ("--frames", "1000", "--snapshots", "2", "--gae-lambda", "1", "--clip-range", "0.3", "--name", "bob")
    done = parlay("train", str(out), "-s", "uniform", "-o", "linear", *QUICK, *more, *limits, "--quiet")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(out / "bob.safetensors")
    config = json.loads((out / "run.json").read_text())["config"]
    assert (config["turn_discount"], config["activation"], config["temperature"]) == (0.9, "tanh", 1.0)
    assert (config["snapshots"], config["gae_lambda"], config["clip_range"]) == (2, 1.0, 0.3)
    assert (config["final_learning_rate"], config["name"], config["hidden"]) == (0.0, "bob", [8])


def test_evaluate_tells_payoffs_and_regret_and_keeps_them(parlay: Parlay, tmp_path: Path, policy: Path) -> None:
    out = tmp_path / "figures.json"
    done = parlay("evaluate", str(policy), "-n", "5", "-o", "linear", "-o", "shark", "--json", str(out), "-q")
    assert done.exit_code == 0, done.stderr
    assert "best reply known" in done.stdout
    figures = json.loads(out.read_text())
    assert figures["scenarios"] == ["uniform"]
    assert [each["score"]["opponent"] for each in figures["comparisons"]] == ["linear", "shark"]
    for each in figures["comparisons"]:
        by_seat = each["score"]["as_buyer"]["mean"], each["score"]["as_seller"]["mean"]
        assert each["score"]["payoff"]["mean"] == pytest.approx(sum(by_seat) / 2)


def test_a_persona_that_replies_best_has_no_regret(parlay: Parlay, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    arguments = ("-n", "5", "-o", "linear", "--reply", "hardliner", "-s", "saas_enterprise", "--json", str(out))
    done = parlay("evaluate", "boulware", *arguments)
    assert done.exit_code == 0, done.stderr
    assert json.loads(out.read_text())["regret"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_exploit_plays_small_games_and_protocols(parlay: Parlay, tmp_path: Path) -> None:
    out = tmp_path / "gap.json"
    small = ["--protocol", "seller_offers", "--price-levels", "5", "--rounds", "2", "--no-events"]
    small += ["--moves", "accept", "--moves", "offer", "--moves", "silence"]
    done = parlay(
        "exploit", "conceder", "-s", "uniform", "--frames", "1", "--games", "2", "-q", "--json", str(out), *small
    )
    assert done.exit_code == 0, done.output
    assert [seat["seat"] for seat in json.loads(out.read_text())["seats"]] == ["buyer", "seller"]
    wrong = parlay("exploit", "conceder", "-s", "uniform", "--frames", "1", "-q", "--price-levels", "1")
    assert wrong.exit_code != 0
    assert "error: exploit: --price-levels: Input should be greater than or equal to 2" in wrong.stderr


def test_exploit_tells_what_a_reply_gains(parlay: Parlay, tmp_path: Path) -> None:
    out = tmp_path / "gap.json"
    arguments = ("-s", "saas_enterprise", "--frames", "1", "-n", "20", "--json", str(out))
    done = parlay("exploit", "conceder", *arguments)
    assert done.exit_code == 0, done.stderr
    assert "conceder: gap" in done.stdout
    found = json.loads(out.read_text())
    assert found["frames"] == 131_072, "a whole update"
    assert "a buyer against conceder: 131,072 of 131,072 frames" in done.stderr
    assert "on 131,072 of its turns" in " ".join(done.stdout.split())
    assert [seat["seat"] for seat in found["seats"]] == ["buyer", "seller"]
    assert found["gap"]["low"] > 0.1  # boulware alone gains as much
    for seat in found["seats"]:
        assert seat["gap"]["mean"] == pytest.approx(seat["reply_payoff"]["mean"] - seat["own_payoff"]["mean"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("exploit", "nash", "--frames", "0"), "exploit: frames: Input should be greater than or equal to 1"),
        (("exploit", "nash", "--games", "0"), "games: give a whole number from 2"),
        (("exploit", "nash", "--seed", "-1"), "exploit: seed: Input should be greater than or equal to 0"),
        (("exploit", "nash", "-s", "nowhere"), "unknown scenario 'nowhere'"),
        (("evaluate", "nash", "--games", "1"), "games: give a whole number from 2"),
    ],
)
def test_what_cannot_be_judged_is_one_line(parlay: Parlay, arguments: tuple[str, ...], message: str) -> None:
    done = parlay(*arguments, "--quiet")
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["evaluate", "exploit"])
@pytest.mark.parametrize(
    ("player", "message"),
    [
        ("sharc", "unknown persona 'sharc'; did you mean 'shark'?"),
        ("gone.safetensors", "gone.safetensors: no such policy file"),
    ],
)
def test_who_cannot_be_judged_is_one_line(parlay: Parlay, command: str, player: str, message: str) -> None:
    done = parlay(command, player)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["evaluate", "exploit"])
def test_a_truncated_policy_is_one_line(parlay: Parlay, command: str, tmp_path: Path, policy: Path) -> None:
    half = tmp_path / "half.safetensors"
    half.write_bytes(policy.read_bytes()[:-40])
    done = parlay(command, str(half))
    assert done.exit_code == 2
    assert "half.safetensors: not a usable policy file" in done.stderr
    assert done.stderr.count("\n") == 1
