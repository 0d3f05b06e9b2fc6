"""The settings of a training run: `run.json` holds them, and they are enough to repeat it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from parlay_marl.catalogue.families import PREFIX, load_family, trainable
from parlay_marl.catalogue.files import Strict
from parlay_marl.catalogue.personas import load_persona, persona_names
from parlay_marl.catalogue.scenarios import load_scenario, scenario_names
from parlay_marl.form_fields import Levels, ProtocolName, Rounds, Share
from parlay_marl.game.config import Information, Reward, game_field
from parlay_marl.option import Option
from parlay_marl.policies.policy import Policy

LONGEST_NAME = 60
NAME = r"^[A-Za-z0-9_.-]+$"


def price_scenarios() -> tuple[str, ...]:
    """Return the catalogue's scenarios in which only the price is open."""
    return tuple(name for name in scenario_names() if load_scenario(name).n_packages == 1)


def scripted_personas() -> dict[str, float]:
    """Return the catalogue's personas that no learned policy plays, with equal weights."""
    return {name: 1.0 for name in persona_names() if load_persona(name).policy is None}


def known_scenarios(policy: Policy | None) -> tuple[str, ...]:
    """Return the scenarios that a policy was trained on; the price scenarios where it names none."""
    return policy.scenarios if policy is not None and policy.scenarios else price_scenarios()


def checked_weights(opponents: dict[str, float]) -> dict[str, float]:
    """Return opponents with their weights; refuse negative weights, and weights that are all 0."""
    if any(weight < 0.0 for weight in opponents.values()) or (opponents and not any(opponents.values())):
        raise ValueError("weights must be 0 or more, and not all 0")
    return opponents


def checked_scenarios(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return scenarios to train on; refuse families that are held out for evaluation."""
    for name in names:
        if name.startswith(PREFIX):
            trainable(load_family(name))
    return names


TrainingScenarios = Annotated[tuple[str, ...], AfterValidator(checked_scenarios)]
"""Scenarios and families, by name or file, none of them held out."""
Weights = Annotated[dict[str, float], AfterValidator(checked_weights)]
"""Opponents, by name or file, with their weights: the chances of being drawn for a game."""


class TrainingConfig(Strict):
    """The settings of a training run; the same settings give the same weights on the same machine.

    Each field is an option of `parlay train`.
    """

    name: Annotated[str, Option(metavar="NAME", default="the folder's name")] = Field(
        "learner", pattern=NAME, max_length=LONGEST_NAME, description="name of the policy"
    )
    scenarios: Annotated[
        TrainingScenarios, Option("--scenario", "-s", metavar="NAME|FILE", default="those with a price only")
    ] = Field(
        default_factory=price_scenarios,
        min_length=1,
        description="scenarios to bargain over, with equal shares of the games",
    )
    opponents: Annotated[
        Weights, Option("--opponent", "-o", metavar="NAME|FILE[=WEIGHT]", default="the scripted personas")
    ] = Field(
        default_factory=scripted_personas,
        description="personas, by name or file, or policy files to play against, with their weights",
    )
    self_share: float = Field(0.25, ge=0.0, description="weight of games against the policy as it is now")
    explorer_share: float = Field(
        0.0, ge=0.0, description="weight of games against the policy as it is now that begin with random offers"
    )
    past_share: float = Field(0.25, ge=0.0, description="weight of games against past policies")
    opponent_share: float = Field(0.5, ge=0.0, description="weight of games against the opponents")
    role: Literal["buyer", "seller", "mixed"] = Field("mixed", description="seat of the learner")
    reward: Reward = game_field("reward")
    persona_rewards: bool = Field(
        False, description="pay by the traits of a persona, and give the traits to the policy: it learns any persona"
    )
    exit_bonus: float = Field(
        0.05, ge=0.0, le=1.0, description="extra pay for walking away from a game that never had a ZOPA"
    )
    deal_bonus: float = Field(
        0.0, ge=0.0, le=1.0, description="extra pay for a deal that is worth something to the learner"
    )
    turn_discount: float = Field(
        1.0, gt=0.0, le=1.0, description="factor on the payoff for each turn, beside the discount of the rules"
    )
    prices_only: bool = Field(
        False, description="bargain over the price of one package where there are terms; a rule chooses which"
    )
    rules: Annotated[str | dict[str, Any], Option(metavar="default|seed")] = game_field("rules")
    information: Information | None = game_field("information")
    max_rounds: Annotated[Rounds | None, Option("--rounds")] = game_field("max_rounds")
    price_levels: Levels = game_field("price_levels")
    moves: Annotated[tuple[str, ...] | None, Option(metavar="NAME")] = game_field("moves")
    events: bool = game_field("events")
    protocol: ProtocolName = game_field("protocol")
    price_share: Share = game_field("price_share")
    start: Annotated[str | None, Option(metavar="NAME|FILE")] = Field(
        None,
        description="learned persona or policy file whose weights the policy starts with, or scripted persona that it "
        "imitates first; default: random weights",
    )
    frames: int = Field(
        20_000_000, ge=1, description="turns of the learner to train on, rounded up to whole updates of lanes * steps"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of all chance")
    lanes: int = Field(2048, ge=1, le=2**20, description="games at once")
    steps: int = Field(64, ge=1, le=2**16, description="turns of the learner in each lane between updates")
    batch_size: int = Field(8192, ge=2, description="frames of a gradient step")
    epochs: int = Field(4, ge=1, le=100, description="passes over the frames of an update")
    learning_rate: float = Field(1e-3, gt=0.0, le=1.0, description="learning rate at the start")
    final_learning_rate: float = Field(1e-4, ge=0.0, le=1.0, description="learning rate at the end")
    entropy: float = Field(0.01, ge=0.0, description="weight of the entropy at the start")
    final_entropy: float = Field(0.001, ge=0.0, description="weight of the entropy at the end")
    exploration: Literal["entropy", "log_barrier"] = Field(
        "entropy",
        description="what the weight of the entropy weighs: the entropy, or the mean log-probability of legal actions",
    )
    entropy_unit: Literal["spread", "pay"] = Field(
        "spread", description="unit of both weights: `spread` of the advantages in a gradient step, or the `pay`"
    )
    entropy_fall: Literal["linear", "geometric"] = Field(
        "linear", description="how the weight falls: by equal amounts, or by equal shares of what is left of it"
    )
    rarity_power: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="power of the chance of an action by which its advantage is divided: 0 as in PPO, 1 as in neural "
        "replicator dynamics",
    )
    gae_lambda: float = Field(0.95, ge=0.0, le=1.0, description="lambda of generalised advantage estimation")
    clip_range: float = Field(0.2, gt=0.0, description="clip range of PPO")
    hidden: tuple[int, ...] = Field((64, 64), min_length=1, max_length=3, description="units of the hidden layers")
    activation: Literal["relu", "tanh"] = Field("relu", description="activation of the hidden layers")
    temperature: float = Field(
        0.0, ge=0.0, le=100.0, description="temperature at which the trained policy plays; 0: the likeliest action"
    )
    no_losses: bool = Field(
        False, description="leave out offers and acceptances that are worth less than nothing to the learner"
    )
    snapshots: int = Field(8, ge=1, le=100, description="past policies that are kept to play against")
    snapshot_every: int = Field(1_000_000, ge=1, description="frames between snapshots")
    reply_every: int = Field(
        0, ge=0, description="frames between replies that are trained to beat the policy and join its past; 0: none"
    )
    reply_frames: int = Field(
        1_500_000, ge=1, description="frames that each of those replies is trained on, rounded up as `frames` are"
    )
    evaluate_every: int = Field(2_000_000, ge=1, description="frames between evaluations against the opponents")
    evaluation_games: Annotated[int, Option("--games", "-n")] = Field(
        50, ge=2, le=1_000_000, description="games in each cell of an evaluation"
    )
    checkpoint_seconds: Annotated[float, Option(metavar="SECONDS")] = Field(
        60.0, gt=0.0, description="time between checkpoints, in seconds"
    )
    threads: int = Field(1, ge=1, le=256, description="threads of the games and of the learner")
    device: Annotated[str, Option(metavar="NAME")] = Field(
        "auto", description="device of torch; auto: a GPU where there is one"
    )

    @property
    def trained_frames(self) -> int:
        """Turns that a run trains on: `frames`, rounded up to whole updates."""
        update = self.lanes * self.steps
        return -(-self.frames // update) * update

    @staticmethod
    def name_fits(name: str) -> bool:
        """Return whether a policy can have a name."""
        return re.match(NAME, name) is not None and len(name) <= LONGEST_NAME

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.self_share + self.explorer_share + self.past_share + self.opponent_share <= 0.0:
            raise ValueError(
                "`self_share`, `explorer_share`, `past_share` and `opponent_share` are all 0; raise one of them"
            )
        if self.opponent_share > 0.0 and not self.opponents:
            raise ValueError("`opponents` names nobody; name one, or set `opponent_share` to 0")
        if self.persona_rewards and self.reward != "payoff":
            raise ValueError("`persona_rewards` needs payoffs; leave `reward` at 'payoff'")
        if self.reply_every and (self.persona_rewards or self.reward != "payoff"):
            raise ValueError("`reply_every` measures payoffs; leave `persona_rewards` off and `reward` at 'payoff'")
        if self.turn_discount < 1.0 and self.reward != "payoff":
            raise ValueError("`turn_discount` needs payoffs; leave `reward` at 'payoff'")
        if self.entropy_fall == "geometric" and not (self.entropy > 0.0 and self.final_entropy > 0.0):
            raise ValueError("a `geometric` `entropy_fall` never reaches 0; give `entropy` and `final_entropy` above 0")
        if self.lanes * self.steps < self.batch_size:
            raise ValueError(f"`batch_size` is more than `lanes` * `steps` = {self.lanes * self.steps}; lower it")
        if any(not 1 <= units <= 1024 for units in self.hidden):
            raise ValueError("`hidden`: give each layer 1 to 1024 units")
        return self
