"""A slow, obvious twin of the core: the whole game in plain Python, written from the rules page and not from `step`.

Every rule is spelt out where it applies, with lists of what has happened instead of running figures. `figures` says
everything in the names of the state table, `observation` in those of the observation, `report` in those of the outcome.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

from pydantic import BaseModel

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.drift import MAX_EVENTS, TAGS
from parlay_marl.core.form import USUAL_FORM, Form
from parlay_marl.core.moves import MAX_PACKAGES, ClaimStatus, Move, Refusal
from parlay_marl.core.outcome import Ending
from tests.core.naive_posterior import COLUMNS, PLANS, NaivePosterior

SEATS = ("buyer", "seller")
OTHER = {"buyer": "seller", "seller": "buyer"}
TOWARD = {"buyer": 1.0, "seller": -1.0}
"""Where a seat's price moves when it concedes."""
OFFERS = (Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL)
A_LOSS = -1e-9  # a deal at the reservation price itself is no loss, whatever the rounding


def clip(x: float, low: float, high: float) -> float:
    return low if x < low else high if x > high else x


class NaiveGame:
    """One negotiation; `drawn` are the figures of its reset, buyer then seller, by their names in the state."""

    def __init__(
        self,
        scenario: Scenario,
        rules: BaseModel,
        drawn: dict[str, Any],
        *,
        information: str = "incomplete",
        reward: str = "shaped",
        beliefs: str = "bayes",
        form: Form = USUAL_FORM,
    ) -> None:
        self.protocol, price_levels, self.price_share = form.protocol, form.price_levels, form.price_share
        self.game_moves = [move for move in Move if form.moves >> move & 1]
        step = 40 / (price_levels - 1)
        self.game_prices = (
            None if price_levels == 41 else [math.floor(i * step + 0.5) / 40 for i in range(price_levels)]
        )
        self.scenario, self.rules = scenario, rules.model_dump()
        self.complete, self.shaped, self.tracker = information == "complete", reward == "shaped", beliefs
        self.nudges, self.infers = beliefs == "heuristic", beliefs in ("bayes", "elicited") and not self.complete
        self.packages = range(scenario.n_packages)
        self.reservation = dict(zip(SEATS, drawn["reservation"], strict=True))
        self.urgency = dict(zip(SEATS, drawn["urgency"], strict=True))
        self.alternative = dict(zip(SEATS, (bool(a) for a in drawn["alternative"]), strict=True))
        self.sensitivity = dict(zip(SEATS, drawn["sensitivity"], strict=True))
        self.values = dict(zip(SEATS, drawn["package_values"], strict=True))
        self.event_rounds = list(drawn["event_round"])[: len(scenario.events)]
        self.opener = self.on_turn = SEATS[drawn["opener"]]
        self.rounds = 1 if self.protocol in ("take_it_or_leave_it", "sealed_bid") else scenario.rounds
        self.sealed: dict[str, float] = {}
        self.agreed: float | None = None

        self.round = 0
        self.ending, self.closed_by = Ending.NONE, None
        self.start_width = max(self.surplus(self.best_package()), 0.0)
        self.carry, self.hot_streak, self.erosions = 0.0, 0, 0
        self.tension = self.tension_peak = self.rules["tension"]["base"]
        self.credibility = dict.fromkeys(SEATS, self.rules["credibility"]["start"])
        self.offers: dict[str, list[tuple[float, int]]] = {seat: [] for seat in SEATS}
        self.claims: dict[str, list[dict[str, Any]]] = {seat: [] for seat in SEATS}
        self.moves: dict[str, list[Move]] = {seat: [] for seat in SEATS}
        self.steps: list[tuple[str, float]] = []
        self.events_fired: list[int] = []
        self.unanswered: dict[str, list[str]] = {seat: [] for seat in SEATS}
        self.answered, self.missed = dict.fromkeys(SEATS, 0), dict.fromkeys(SEATS, 0)
        self.caught, self.wrongly_doubted = dict.fromkeys(SEATS, 0), dict.fromkeys(SEATS, 0)
        self.reward = dict.fromkeys(SEATS, 0.0)

        self.belief: dict[str, dict[str, float]] = {seat: {} for seat in SEATS}
        self.posterior: dict[str, NaivePosterior] = {}
        for seat in SEATS:
            self.begin_belief(seat)
        self.open_the_books()
        self.estimate = {
            seat: (clip(self.belief[seat]["mean"], -1, 2), min(self.belief[seat]["sd"], 1))
            if self.tracker == "elicited"
            else (0.0, 0.0)
            for seat in SEATS
        }
        self.start_accuracy = {seat: self.accuracy(seat) for seat in SEATS}
        self.scores: dict[str, list[float]] = {seat: [] for seat in SEATS}
        self.costs_of_time: dict[str, list[float]] = {seat: [] for seat in SEATS}
        self.begin_round()

    # --- section 1: values --------------------------------------------------------------------------------------------

    def worth(self, seat: str, price: float, package: int) -> float:
        if seat == "buyer":
            return self.reservation["buyer"] + self.values["buyer"][package] - price
        return price + self.values["seller"][package] - self.reservation["seller"]

    def surplus(self, package: int) -> float:
        limits = self.reservation["buyer"] - self.reservation["seller"]
        return limits + self.values["buyer"][package] + self.values["seller"][package]

    def best_package(self) -> int:
        return max(self.packages, key=lambda k: (self.values["buyer"][k] + self.values["seller"][k], -k))

    def zopa_width(self) -> float:
        return max(self.surplus(self.best_package()), 0.0)

    # --- section 3: moves ---------------------------------------------------------------------------------------------

    def why_illegal(self, move: int, price: float, package: int) -> Refusal:
        me, you = self.on_turn, OTHER[self.on_turn]
        c = self.rules["credibility"]
        if move not in list(Move):
            return Refusal.UNKNOWN_MOVE
        if move not in self.game_moves or move not in self.moves_by_protocol(me):
            return Refusal.NOT_IN_THIS_GAME
        if move == Move.ACCEPT and not self.offers[you]:
            return Refusal.NOTHING_TO_ACCEPT
        if move == Move.WALK_AWAY and not self.moves[you]:
            return Refusal.TOO_EARLY_TO_WALK
        if move in OFFERS and (math.isnan(price) or price < 0 or price > 1):
            return Refusal.PRICE_OUT_OF_RANGE
        if move in OFFERS and package not in self.packages:
            return Refusal.UNKNOWN_PACKAGE
        if move == Move.BATNA_REVEAL and self.credibility[me] < c["claim_minimum"]:
            return Refusal.CLAIM_NEEDS_CREDIBILITY
        if move == Move.SILENCE and self.credibility[me] < c["silence_minimum"]:
            return Refusal.SILENCE_NEEDS_CREDIBILITY
        if move == Move.CHALLENGE and self.open_claim(you) is None:
            return Refusal.NOTHING_TO_CHALLENGE
        if move in OFFERS and self.game_prices and price not in self.game_prices:
            return Refusal.PRICE_NOT_IN_THIS_GAME
        return Refusal.LEGAL

    def moves_by_protocol(self, seat: str) -> list[Move]:
        """The moves that the protocol gives a seat: who alone names prices, who alone answers."""
        if self.protocol == "alternating_offers":
            return list(Move)
        if self.protocol == "sealed_bid":
            return [Move.OFFER]
        maker = {"seller_offers": "seller", "buyer_offers": "buyer"}.get(self.protocol, self.opener)
        if seat != maker:
            return [Move.ACCEPT, Move.WALK_AWAY, Move.SILENCE, Move.CHALLENGE]
        return [*OFFERS, Move.WALK_AWAY] if self.protocol != "take_it_or_leave_it" else list(OFFERS)

    def name_price(self, seat: str, price: float) -> None:
        """Sealed bids: two hidden prices, and a deal between them where the buyer's is not below the seller's."""
        self.sealed[seat] = price
        self.moves[seat].append(Move.OFFER)
        if len(self.sealed) == 1:
            self.on_turn = OTHER[seat]
            return
        bid, ask = self.sealed["buyer"], self.sealed["seller"]
        self.offers = {each: [(self.sealed[each], 0)] for each in SEATS}
        if bid < ask:
            self.ending = Ending.DEADLINE
        else:
            self.ending, self.closed_by = Ending.DEAL, seat
            self.agreed = ask + self.price_share * (bid - ask)
        self.closed()

    def standing(self, seat: str) -> tuple[float, int]:
        """The last offer of a seat, which in a deal by sealed bids is the price in between."""
        return self.offers[seat][-1] if self.agreed is None else (self.agreed, 0)

    def closed(self) -> None:
        if self.ending != Ending.NONE:
            self.pay_ending()

    def turn(self, move: Move, price: float, package: int) -> None:
        me, you = self.on_turn, OTHER[self.on_turn]
        c = self.rules["credibility"]
        self.reward = dict.fromkeys(SEATS, 0.0)
        if self.tracker == "elicited":
            self.scores[me].append(self.accuracy(me))
        if self.protocol == "sealed_bid":
            self.name_price(me, price)
            return
        cost = {Move.BATNA_REVEAL: c["claim_cost"], Move.SILENCE: c["silence_cost"]}.get(move, 0)
        self.credibility[me] = clip(self.credibility[me] + c["regain"] - cost, 0, c["most"])

        heat = self.heat(move, price)
        self.steps.append((me, self.price_given_up(price) if move in OFFERS else 0.0))
        if move in OFFERS:
            self.make_offer(move, price, package)
        elif move == Move.CHALLENGE:
            self.challenge()
            self.hear_refusal(you)
        elif move == Move.SILENCE:
            self.hear_silence(you)
        elif move == Move.ACCEPT:
            self.hear_acceptance(you)
            self.check_contradiction(me, *self.offers[you][-1])
            self.ending, self.closed_by = Ending.DEAL, me
        elif move == Move.WALK_AWAY:
            self.ending, self.closed_by = Ending.WALK_AWAY, me
        self.moves[me].append(move)
        self.open_the_books()

        self.warm_up(heat)
        if self.ending == Ending.NONE:
            self.next_turn()
        self.closed()

    def next_turn(self) -> None:
        if self.on_turn == self.opener:
            self.on_turn = OTHER[self.opener]
        elif self.round == self.rounds - 1:
            self.ending = Ending.DEADLINE
        else:
            for seat in SEATS:
                self.costs_of_time[seat].append(self.discount_factor(seat))
            self.round += 1
            self.on_turn = self.opener
            self.begin_round()

    def make_offer(self, move: Move, price: float, package: int) -> None:
        me, you = self.on_turn, OTHER[self.on_turn]
        width = self.scenario.nominal_width
        before = self.offers[me][-1] if self.offers[me] else None
        given = self.price_given_up(price)

        rise = self.worth(you, price, package) - (self.worth(you, *before) if before else 0.0)
        self.pay(you, "offer_gain", rise / width)
        loss = self.worth(me, *before) - self.worth(me, price, package) if before else 0.0
        self.pay(me, "concession_cost", -max(loss, 0.0) / width)
        self.pay(me, "noise_cost", -1 if self.worth(me, price, package) < A_LOSS else 0)

        if before:
            least = self.rules["reward"]["event_step"] + A_LOSS
            right = "stronger" if given <= -least else "weaker" if given >= least else "neither"
            hits = self.unanswered[me].count(right)
            self.answered[me] += hits
            self.missed[me] += len(self.unanswered[me]) - hits
            self.pay(me, "event_gain", hits)
        self.unanswered[me] = []

        self.check_contradiction(me, price, package)
        self.offers[me].append((price, package))
        self.hear_offer(you, move, price, package, None if before is None else given)
        if move == Move.BATNA_REVEAL:
            bluff = self.lies_too_far_off(me, price)
            self.claims[me].append({"price": price, "package": package, "bluff": bluff, "status": ClaimStatus.OPEN})
            self.hear_claim(you, price, self.credibility[me] / 100)

    def price_given_up(self, price: float) -> float:
        """The price that the seat on turn gives up against its own last offer; 0 where there was none."""
        if not self.offers[self.on_turn]:
            return 0.0
        change = price - self.offers[self.on_turn][-1][0]
        return change if self.on_turn == "buyer" else -change

    def has_moved(self, seat: str) -> bool:
        """Whether the latest turn of a seat brought a new price."""
        own = [step for who, step in self.steps if who == seat]
        return bool(own) and abs(own[-1]) > 1e-6

    def turns(self, seat: str, *, moved: bool) -> int:
        """The turns of a seat that brought a new price, or those that did not."""
        return sum(who == seat and (abs(step) > 1e-6) == moved for who, step in self.steps)

    def given(self, seat: str, *, moved: bool) -> float:
        """The price that a seat has given up in its turns right after one in which the other had moved, or had not.

        What a deal by sealed bids takes from both answers no move.
        """
        if self.agreed is not None:
            return 0.0 if moved else TOWARD[seat] * (self.agreed - self.offers[seat][0][0])
        answers = zip([(OTHER[seat], 0.0), *self.steps], self.steps, strict=False)
        return sum(step for (_, before), (who, step) in answers if who == seat and (abs(before) > 1e-6) == moved)

    # --- section 5: tension and erosion -------------------------------------------------------------------------------

    def heat(self, move: Move, price: float) -> float:
        t = self.rules["tension"]
        names = {Move.ANCHOR_HIGH: "anchor", Move.BATNA_REVEAL: "claim", Move.SILENCE: "silence"}
        names[Move.CHALLENGE] = "challenge"
        heats = [t[f"{names[move]}_heat"]] if move in names else []
        if move in OFFERS and self.offers[self.on_turn]:
            heats.append(max(t["dig_in_heat"] - t["cooling"] * self.price_given_up(price), t["coldest_offer"]))
        return float(max(heats, default=0.0))

    def warm_up(self, heat: float) -> None:
        t, e = self.rules["tension"], self.rules["erosion"]
        self.carry = clip(t["memory"] * self.carry + heat, 0, t["most_carry"])
        clock = t["base"] + t["slope"] * (self.round + 1) / self.rounds
        self.tension = clip(clock + self.carry, 0, 100)
        self.tension_peak = max(self.tension_peak, self.tension)
        if self.ending != Ending.NONE:
            return
        self.hot_streak = self.hot_streak + 1 if self.tension >= e["hot_tension"] else 0
        if self.hot_streak < e["hot_turns"]:
            return
        unit = self.start_width if e["of_start_width"] else self.scenario.nominal_width
        self.reservation["buyer"] -= e["rate"] * unit
        self.reservation["seller"] += e["rate"] * unit
        self.hot_streak = 0
        self.erosions += 1
        self.see_erosion()
        self.open_the_books()
        if self.start_width > 0 and all(self.surplus(k) <= 0 for k in self.packages):
            self.ending = Ending.COLLAPSED

    # --- section 6: claims --------------------------------------------------------------------------------------------

    def open_claim(self, seat: str) -> dict[str, Any] | None:
        latest = self.claims[seat][-1] if self.claims[seat] else None
        return latest if latest and latest["status"] == ClaimStatus.OPEN else None

    def lies_too_far_off(self, seat: str, claim: float) -> bool:
        c, truth = self.rules["credibility"], self.reservation[seat]
        if c["tolerance_of_truth"]:
            true_price = self.scenario.to_currency(truth)
            width = self.scenario.high - self.scenario.low
            return abs(claim - truth) > c["tolerance"] * true_price / width + 1e-9
        return abs(claim - truth) > c["tolerance"] + 1e-9

    def lose_credibility(self, seat: str, loss: str) -> None:
        self.credibility[seat] = max(self.credibility[seat] - self.rules["credibility"][loss], 0)

    def check_contradiction(self, seat: str, price: float, package: int) -> None:
        claim = self.open_claim(seat)
        if claim is None or claim["package"] != package:
            return
        if price > claim["price"] if seat == "buyer" else price < claim["price"]:
            claim["status"] = ClaimStatus.CONTRADICTED
            self.lose_credibility(seat, "contradiction_loss")

    def challenge(self) -> None:
        me, you = self.on_turn, OTHER[self.on_turn]
        claim = self.open_claim(you)
        assert claim is not None
        if claim["bluff"]:
            claim["status"] = ClaimStatus.CAUGHT
            self.caught[me] += 1
            self.lose_credibility(you, "caught_loss")
            self.pay(me, "bluff_gain", 1)
            self.pay(you, "bluff_gain", -1)
        else:
            claim["status"] = ClaimStatus.VERIFIED
            self.wrongly_doubted[me] += 1
            self.lose_credibility(me, "wrong_challenge_loss")
            self.pay(me, "bluff_gain", -0.5)
        self.hear_verdict(me, claim["price"], claim["bluff"])

    # --- section 7: beliefs -------------------------------------------------------------------------------------------

    def begin_belief(self, seat: str) -> None:
        b, you = self.rules["belief"], OTHER[seat]
        names = ("urgency", "alternative", "confidence")
        self.belief[seat] = {name: b[f"start_{name}"] for name in names}
        self.normal(seat, b["start_reservation"], b["start_spread"])
        if self.tracker in ("bayes", "elicited"):
            self.posterior[seat] = NaivePosterior(*self.prior_range(you), TOWARD[you], b)
            if b["common_prior"]:
                for name in ("urgency", "alternative"):
                    self.belief[seat][name] = self.expected(you, name)
            self.conclude(seat)

    def expected(self, seat: str, name: str) -> float:
        """The expected urgency of a seat, or the probability that it has an alternative."""
        nominal = float(getattr(getattr(self.scenario, name), seat))
        if self.scenario.types is None:
            return nominal
        types = getattr(self.scenario.types, seat)
        figures = [float(nominal if getattr(each, name) is None else getattr(each, name)) for each in types]
        return sum(figure * (each.probability or 1 / len(types)) for figure, each in zip(figures, types, strict=True))

    def prior_range(self, seat: str) -> tuple[float, float]:
        """The range that a seat's limit is drawn from, as far as that is known."""
        limits = self.scenario.reservation
        if not self.rules["belief"]["common_prior"] or limits.distribution == "uniform":
            return 0.0, 1.0
        if self.scenario.types is not None:
            known = [self.scenario.normalise(each.reservation) for each in getattr(self.scenario.types, seat)]
            return min(known), max(known)
        nominal = getattr(limits, seat)
        low, high = (self.scenario.normalise(nominal * (1 + share)) for share in (-limits.spread, limits.spread))
        return low, high

    def normal(self, seat: str, mean: float, sd: float) -> None:
        """Set the limit to a normal distribution."""
        self.belief[seat] |= {"mean": mean, "sd": sd, "low": mean - 1.645 * sd, "high": mean + 1.645 * sd}

    def conclude(self, seat: str) -> None:
        """Set the limit to what the posterior says."""
        self.belief[seat] |= self.posterior[seat].figures()
        spread = self.belief[seat]["sd"] / self.rules["belief"]["start_spread"]
        self.belief[seat]["confidence"] = clip(1 - spread, 0, 1)

    def shift(self, seat: str, target: float, weight: float, factor: float) -> None:
        """Move a seat's estimate of the other's limit a share of the way to a target."""
        b, belief = self.rules["belief"], self.belief[seat]
        sd = clip(factor * belief["sd"], b["least_spread"], b["start_spread"])
        self.normal(seat, belief["mean"] + weight * (target - belief["mean"]), sd)

    def nudge(self, seat: str, figure: str, by: float) -> None:
        self.belief[seat][figure] = clip(self.belief[seat][figure] + by, 0, 1)

    def for_reference(self, maker: str, price: float, package: int) -> float:
        """The price that would be worth as much to the maker of an offer with the first package, nominally."""
        if not self.rules["belief"]["common_prior"]:
            return price
        return price - TOWARD[maker] * float(self.scenario.package_values()[SEATS.index(maker)][package])

    def unsure(self, seat: str, package: int) -> float:
        """The standard deviation of what a package is worth to a seat: each term's is even within the spread."""
        s = self.scenario
        options = [getattr(option, seat) for option in s.packages()[package]]
        return math.sqrt(sum((s.value_spread * worth) ** 2 / 3 for worth in options)) / (s.high - s.low)

    def let_stand(self, listener: str) -> tuple[float, float]:
        """The listener's offer that the other has let stand, and how telling that is by now."""
        if not self.offers[listener]:
            return 0.0, 0.0
        return self.for_reference(OTHER[listener], *self.offers[listener][-1]), self.pressure()

    def given_up(self, listener: str) -> float:
        """How much more the listener's offer of its last turn is worth to the other than its offer before."""
        if len(self.offers[listener]) < 2 or self.moves[listener][-1] not in OFFERS:
            return 0.0
        before, last = (self.for_reference(OTHER[listener], *offer) for offer in self.offers[listener][-2:])
        return (before - last) * TOWARD[OTHER[listener]]

    def pressure(self) -> float:
        return self.rules["belief"]["refusal"] * self.clock() ** 2

    def clock(self) -> float:
        return self.round / (self.rounds - 1) if self.rounds > 1 else 1.0

    def tolerance(self, claim: float) -> float:
        """How far from a claim the truth may lie; where it is a share of the truth, that of the claim has to do."""
        c, s = self.rules["credibility"], self.scenario
        return c["tolerance"] * (s.to_currency(claim) / (s.high - s.low) if c["tolerance_of_truth"] else 1)

    def hear_offer(self, listener: str, move: Move, price: float, package: int, given: float | None) -> None:
        b, you = self.rules["belief"], OTHER[listener]
        if self.infers and move != Move.BATNA_REVEAL:
            x = self.for_reference(you, price, package)
            self.posterior[listener].see_offer(
                x,
                self.clock(),
                move == Move.OFFER,
                self.given_up(listener),
                *self.let_stand(listener),
                self.unsure(you, package),
            )
            self.conclude(listener)
        if self.nudges:
            limit = price + b["offer_markup"] if listener == "seller" else price - b["offer_markup"]
            self.shift(listener, limit, b["offer_weight"], b["narrowing"])
            self.nudge(listener, "confidence", b["confidence_step"])
            if given is not None:
                self.nudge(listener, "urgency", b["urgency_step"] if given > 0 else -b["urgency_step"])

    def hear_claim(self, listener: str, price: float, credibility: float) -> None:
        b = self.rules["belief"]
        if self.infers:
            self.hear_refusal(listener)
            self.posterior[listener].see_claim(price, b["honesty"] * credibility, self.tolerance(price))
            self.conclude(listener)
        if self.nudges:
            self.shift(listener, price, b["claim_weight"] * credibility, b["narrowing"])

    def hear_verdict(self, listener: str, claim: float, was_bluff: bool) -> None:
        b = self.rules["belief"]
        if self.infers:
            self.posterior[listener].see_check(claim, self.tolerance(claim), was_bluff)
            self.conclude(listener)
        if self.nudges and was_bluff:
            weaker = b["caught_step"] if listener == "seller" else -b["caught_step"]
            self.shift(listener, self.belief[listener]["mean"] + weaker, 1.0, 1.0)
        elif self.nudges:
            self.shift(listener, claim, b["check_weight"], b["narrowing"])

    def hear_refusal(self, listener: str) -> None:
        if self.infers:
            self.posterior[listener].see_refusal(*self.let_stand(listener))
            self.conclude(listener)

    def hear_silence(self, listener: str) -> None:
        if self.tracker != "none":
            self.nudge(listener, "urgency", -self.rules["belief"]["urgency_step"])
        self.hear_refusal(listener)

    def hear_acceptance(self, listener: str) -> None:
        if self.infers:
            self.posterior[listener].see_acceptance(
                self.let_stand(listener)[0], self.unsure(OTHER[listener], self.offers[listener][-1][1])
            )
            self.conclude(listener)

    def see_erosion(self) -> None:
        """Both limits have moved, by the nominal size as far as the seats know."""
        if self.infers:
            for seat in SEATS:
                size = self.rules["erosion"]["rate"] * self.scenario.nominal_width
                self.posterior[seat].shift(-TOWARD[OTHER[seat]] * size)
                self.conclude(seat)

    def hear_headline(self, listener: str, effect: Any) -> None:
        b, belief = self.rules["belief"], self.belief[listener]
        if effect.urgency and self.tracker != "none":
            self.nudge(listener, "urgency", math.copysign(b["headline_step"], effect.urgency))
        if self.infers:
            self.infer_from_headline(listener, effect)
        if self.nudges:
            self.shift(listener, belief["mean"], 0.0, b["widening"])
            belief["confidence"] *= 1 - b["confidence_loss"]
            if effect.alternative is not None:
                belief["alternative"] += b["alternative_step"] * (effect.alternative - belief["alternative"])

    def infer_from_headline(self, listener: str, effect: Any) -> None:
        belief, width = self.belief[listener], self.scenario.nominal_width
        tougher = -TOWARD[OTHER[listener]]
        jump, chance, most = 0.0, 0.0, 0.0
        if effect.alternative is not None:
            swing = tougher * self.rules["drift"]["alternative_shift"] * width
            chance = abs(effect.alternative - belief["alternative"])  # that the flag was the other one before
            jump = swing if effect.alternative else -swing
            belief["alternative"] = float(effect.alternative)
        if effect.value_shift:
            most = math.copysign(self.rules["belief"]["headline_reach"], effect.value_shift) * tougher * width
        if chance or most:
            self.posterior[listener].blur(jump, chance, most)
            self.conclude(listener)

    def open_the_books(self) -> None:
        """Complete information: both seats know both limits."""
        if self.complete:
            for seat in SEATS:
                self.normal(seat, self.reservation[OTHER[seat]], 0.0)
                self.belief[seat]["confidence"] = 1.0

    def calibrated(self, bluff: float) -> float:
        """The probability of a bluff, from the mass of the posterior that says so."""
        b = self.rules["belief"]
        for_it = b["bluff_odds"] * bluff ** b["bluff_power"]
        return for_it / (for_it + (1 - bluff) ** b["honest_power"])

    def doubt_within(self, seat: str, noise: float) -> tuple[float, float]:
        """The least and the largest doubt where the mass is known up to some noise: near 1, little of it says much."""
        claim = self.claims[OTHER[seat]][-1]["price"]
        mass = self.posterior[seat].bluff_mass(claim, self.tolerance(claim))
        return self.calibrated(max(mass - noise, 0.0)), self.calibrated(min(mass + noise, 1.0))

    def doubt(self, seat: str) -> float:
        """The probability, to a seat, that the other's latest claim is a bluff."""
        belief, claim = self.belief[seat], self.claims[OTHER[seat]][-1]["price"]
        tolerance = self.tolerance(claim)
        if self.infers:
            return self.calibrated(self.posterior[seat].bluff_mass(claim, tolerance))
        low, high = claim - tolerance, claim + tolerance
        if belief["sd"] == 0:
            return 0.0 if low <= belief["mean"] <= high else 1.0
        limit = NormalDist(belief["mean"], belief["sd"])
        return 1 - (limit.cdf(high) - limit.cdf(low))

    def accuracy(self, seat: str) -> float:
        belief, you, money = self.belief[seat], OTHER[seat], self.scenario.to_currency
        if self.tracker == "elicited":
            return 1 - self.crps(*self.estimate[seat], self.reservation[you])
        truth = money(self.reservation[you])
        misses = (
            abs(money(belief["mean"]) - truth) / (0.5 * abs(truth)),
            abs(belief["urgency"] - self.urgency[you]),
            abs(belief["alternative"] - self.alternative[you]),
        )
        return 1 - sum(min(miss, 1.0) for miss in misses) / 3

    def crps(self, mean: float, sd: float, truth: float) -> float:
        """E|X - truth| - E|X - X'| / 2 of a normal belief: what is far off costs, and so does what is vague."""
        miss = truth - mean
        far_off = sd * math.sqrt(2 / math.pi) * math.exp(-(miss**2) / (2 * sd**2))
        far_off += miss * math.erf(miss / (sd * math.sqrt(2)))
        return far_off - sd / math.sqrt(math.pi)

    # --- section 8: rewards -------------------------------------------------------------------------------------------

    def pay(self, seat: str, weight: str, amount: float) -> None:
        """Credit a term of the shaped reward."""
        if self.shaped:
            self.reward[seat] += self.rules["reward"][weight] * amount

    def payoff(self, seat: str) -> float:
        if self.ending != Ending.DEAL:
            return 0.0
        return math.prod(self.costs_of_time[seat]) * self.worth(seat, *self.deal()) / self.scenario.nominal_width

    def discount_factor(self, seat: str) -> float:
        factors = self.scenario.discount_factor
        if factors is not None:
            return float(getattr(factors, seat))
        return float(1 - self.rules["reward"]["discount"] * self.urgency[seat])

    def deal(self) -> tuple[float, int]:
        assert self.closed_by is not None
        return self.standing(OTHER[self.closed_by])

    def share(self, seat: str) -> float:
        own, width = self.worth(seat, *self.deal()), max(self.zopa_width(), self.start_width)
        if own <= -A_LOSS:
            return 0.0
        return min(own / width, 1.0) if width > 0 else 1.0

    def belief_gain(self, seat: str) -> float:
        """How much better than at the start the seat's belief was: in the end, or on average where it stated one."""
        scores = self.scores[seat] if self.tracker == "elicited" else [self.accuracy(seat)]
        return sum(scores) / len(scores) - self.start_accuracy[seat] if scores else 0.0

    def pay_ending(self) -> None:
        for seat in SEATS:
            self.pay(seat, "belief_gain", self.belief_gain(seat))
            if not self.shaped:
                self.reward[seat] += self.payoff(seat)
            elif self.ending == Ending.DEAL and self.worth(seat, *self.deal()) < A_LOSS:
                self.pay(seat, "capitulation_cost", -1)
            elif self.ending == Ending.DEAL:
                rounds = self.rounds
                self.pay(seat, "share_gain", self.share(seat))
                self.pay(seat, "speed_gain", (rounds - self.round) / rounds)
                self.pay(seat, "answered_gain", 0 if self.unanswered[seat] or self.missed[seat] else 1)
            elif self.is_to_blame(seat):
                self.pay(seat, "capitulation_cost", -0.5)

    def is_to_blame(self, seat: str) -> bool:
        """Whether a seat pays for an ending without a deal."""
        if self.ending == Ending.COLLAPSED:
            return True
        return self.zopa_width() > 0 and (self.ending == Ending.DEADLINE or self.closed_by == seat)

    # --- section 9: events --------------------------------------------------------------------------------------------

    def begin_round(self) -> None:
        for i, event in enumerate(self.scenario.events):
            if self.event_rounds[i] == self.round:
                self.events_fired.append(i)
                for seat in SEATS:
                    if getattr(event, seat) is not None:
                        self.feel(seat, getattr(event, seat))
                self.open_the_books()

    def feel(self, seat: str, effect: Any) -> None:
        """Move a seat by an event; its partner reads the headline."""
        width, before = self.scenario.nominal_width, self.urgency[seat]
        self.urgency[seat] = clip(before + effect.urgency, 0, 1)
        tougher = effect.value_shift * self.sensitivity[seat] * width
        if effect.alternative is not None and effect.alternative != self.alternative[seat]:
            swing = self.rules["drift"]["alternative_shift"] * width
            tougher += swing if effect.alternative else -swing
            self.alternative[seat] = effect.alternative
        self.reservation[seat] += tougher if seat == "seller" else -tougher
        strength = tougher if tougher != 0 else before - self.urgency[seat]
        if strength != 0:
            self.unanswered[seat].append("stronger" if strength > 0 else "weaker")
        self.hear_headline(OTHER[seat], effect)

    # --- solutions of the bargaining problem --------------------------------------------------------------------------

    def gains(self, price: float, package: int) -> tuple[float, float]:
        return self.worth("buyer", price, package), self.worth("seller", price, package)

    def telling_deals(self, weights: tuple[float, float]) -> list[tuple[float, float]]:
        """The worths of the deals at which a solution can lie.

        On each package these are where the range ends, where a seat's gain is 0 and where the weighted gains meet.
        """
        found = []
        for k in self.packages:
            top, bottom = self.gains(0.0, k)[0], -self.gains(0.0, k)[1]
            meet = (weights[0] * top + weights[1] * bottom) / sum(weights)
            found += [self.gains(price, k) for price in (0.0, 1.0, top, bottom, meet) if 0 <= price <= 1]
        return found

    def ideal_point(self) -> tuple[float, float]:
        fair = [gains for gains in self.telling_deals((1, 1)) if min(gains) > -1e-12]
        return max((g[0] for g in fair), default=0.0), max((g[1] for g in fair), default=0.0)

    def fairest(self, weights: tuple[float, float]) -> tuple[float, float]:
        """The deal with the largest smaller weighted gain; of equals the one with the largest larger."""

        def key(gains: tuple[float, float]) -> list[float]:
            return sorted(round(weight * gain, 9) for weight, gain in zip(weights, gains, strict=True))

        return max(self.telling_deals(weights), key=key)

    def solutions(self) -> dict[str, Any]:
        ideal, nothing = self.ideal_point(), (math.nan, math.nan)
        if min(ideal) <= 0:
            return {"ks_worth": nothing, "egalitarian_worth": nothing}
        return {"ks_worth": self.fairest((1 / ideal[0], 1 / ideal[1])), "egalitarian_worth": self.fairest((1, 1))}

    def could_both_do_better(self) -> bool:
        """Whether a deal would be better for one seat and no worse for the other: at the ends of what suits both."""
        price, package = self.deal()
        for k in self.packages:
            least = price - (self.values["seller"][k] - self.values["seller"][package])
            most = price + (self.values["buyer"][k] - self.values["buyer"][package])
            for x in (max(least, 0.0), min(most, 1.0)):
                more = [new - old for new, old in zip(self.gains(x, k), self.gains(price, package), strict=True)]
                if 0 <= x <= 1 and min(more) > -2e-9 and sum(more) > 1e-9:
                    return True
        return False

    def conduct(self, seat: str) -> dict[str, Any]:
        you, offers = OTHER[seat], [price for price, _ in self.offers[seat]]
        believed = self.estimate[seat][0] if self.tracker == "elicited" else self.belief[seat]["mean"]
        return {
            "offers_made": len(offers),
            "first_price": offers[0] if offers else math.nan,
            "given_up": TOWARD[seat] * (self.standing(seat)[0] - offers[0]) if offers else 0.0,
            "belief_error": abs(believed - self.reservation[you]),
            "best_worth": max(self.worth(seat, price, k) for price in (0.0, 1.0) for k in self.packages),
        }

    # --- what can be compared -----------------------------------------------------------------------------------------

    def distinct_offers(self, seat: str) -> set[tuple[int, int]]:
        return {(math.floor(price * 40 + 0.5), package) for price, package in self.offers[seat]}

    def _belief_vector(self, seat: str) -> list[float]:
        names = ("mean", "sd", "low", "high", "urgency", "alternative", "confidence")
        return [self.belief[seat][name] for name in names]

    def _stated_vector(self, seat: str) -> list[float]:
        """What a seat that states a belief of its own sees as its belief."""
        mean, sd = self.estimate[seat]
        spread = clip(1 - sd / self.rules["belief"]["start_spread"], 0, 1)
        return [mean, sd, mean - 1.645 * sd, mean + 1.645 * sd, *self._belief_vector(seat)[4:6], spread]

    def figures(self) -> dict[str, Any]:
        """Every field of the state but the key and the number of the scenario."""
        tags = {tag for i in self.events_fired for tag in self.scenario.events[i].tags}
        figures: dict[str, Any] = {
            "round": self.round,
            "seat": SEATS.index(self.on_turn),
            "opener": SEATS.index(self.opener),
            "ending": self.ending,
            "closed_by": -1 if self.closed_by is None else SEATS.index(self.closed_by),
            "hot_streak": self.hot_streak,
            "erosion_ticks": self.erosions,
            "events_fired": sum(1 << i for i in self.events_fired),
            "tags_fired": sum(1 << TAGS.index(tag) for tag in tags),
            "tension": self.tension,
            "carry": self.carry,
            "tension_peak": self.tension_peak,
            "start_width": self.start_width,
            "best_package": self.best_package(),
            "sealed_price": self.sealed.get(self.opener, 0.0),
            "event_round": self.event_rounds + [-1] * (MAX_EVENTS - len(self.event_rounds)),
        }
        by_seat = [self._figures_of(seat) for seat in SEATS]
        return figures | {name: [by_seat[0][name], by_seat[1][name]] for name in by_seat[0]}

    def _figures_of(self, seat: str) -> dict[str, Any]:
        offers, claims, waiting = self.offers[seat], self.claims[seat], self.unanswered[seat]
        earlier = ([offers[0]] * 4 + offers)[-2:-6:-1] if offers else [(0, 0)] * 4
        seen = [0] * MAX_PACKAGES
        for level, package in self.distinct_offers(seat):
            seen[package] |= 1 << level
        return {
            "reward": self.reward[seat],
            "reservation": self.reservation[seat],
            "urgency": self.urgency[seat],
            "credibility": self.credibility[seat],
            "offer_price": self.standing(seat)[0] if offers else 0,
            "previous_price": offers[-2:][0][0] if offers else 0,
            "first_price": offers[0][0] if offers else 0,
            "first_package": offers[0][1] if offers else 0,
            "earlier_prices": [price for price, _ in earlier[1:]],
            "earlier_packages": [package for _, package in earlier],
            "moved": self.has_moved(seat),
            "given_moved": self.given(seat, moved=True),
            "turns_moved": self.turns(seat, moved=True),
            "turns_still": self.turns(seat, moved=False),
            "claim_price": claims[-1]["price"] if claims else 0,
            "payoff_left": math.prod(self.costs_of_time[seat]),
            "start_accuracy": self.start_accuracy[seat],
            "stated_score": sum(self.scores[seat]),
            "belief": self._belief_vector(seat),
            "estimate": self.estimate[seat],
            "posterior": self.posterior[seat].table() if self.posterior else [[0.0] * COLUMNS] * len(PLANS),
            "frame": self.posterior[seat].frame() if self.posterior else [0.0] * 5,
            "offers_made": len(offers),
            "distinct_offers": len(self.distinct_offers(seat)),
            "offer_package": offers[-1][1] if offers else 0,
            "alternative": self.alternative[seat],
            "own_best": max(self.packages, key=lambda k: (self.values[seat][k], -k)),
            "claim_package": claims[-1]["package"] if claims else 0,
            "claim_status": claims[-1]["status"] if claims else ClaimStatus.NONE,
            "claim_is_bluff": claims[-1]["bluff"] if claims else 0,
            "last_move": self.moves[seat][-1] if self.moves[seat] else -1,
            "pending_stronger": waiting.count("stronger"),
            "pending_weaker": waiting.count("weaker"),
            "events_answered": self.answered[seat],
            "events_missed": self.missed[seat],
            "claims_made": len(claims),
            "bluffs_made": sum(claim["bluff"] for claim in claims),
            "bluffs_caught": self.caught[seat],
            "wrong_challenges": self.wrongly_doubted[seat],
            "sensitivity": self.sensitivity[seat],
            "package_values": list(self.values[seat]) + [0] * (MAX_PACKAGES - len(self.values[seat])),
            "offers_seen": seen,
        }

    def observation(self, seat: str) -> dict[str, float]:
        """What a seat may see (section 10), by the names of the observation; what is not there is 0."""
        you, shown = OTHER[seat], lambda x: clip(x, -4, 4)
        seen = {
            "seat": SEATS.index(seat),
            "is_opener": self.opener == seat,
            "time": self.round / self.rounds,
            "round_length": 1 / self.rounds,
            "reservation": shown(self.reservation[seat]),
            "urgency": self.urgency[seat],
            "discount_factor": self.discount_factor(seat),
            "payoff_left": math.prod(self.costs_of_time[seat]),
            "alternative": self.alternative[seat],
            "own_credibility": self.credibility[seat] / 100,
            "other_credibility": self.credibility[you] / 100,
            "tension": self.tension / 100,
            "hot_streak": min(self.hot_streak / 10, 1),
            "erosion": min(self.erosions / 20, 1),
        }
        seen |= {f"headlines[{i}]": 1 for i in self.events_fired}
        seen |= {f"package_values[{k}]": shown(self.values[seat][k]) for k in self.packages}
        for whose, name in ((seat, "own"), (you, "other")):
            if self.offers[whose]:
                price, package = self.standing(whose)
                change = price - self.offers[whose][-2:][0][0]
                seen |= {
                    f"{name}_offer_made": 1,
                    f"{name}_offer_price": price,
                    f"{name}_offer_change": change if whose == "buyer" else -change,
                    f"{name}_offer_worth": shown(self.worth(seat, price, package)),
                    f"{name}_offer_package[{package}]": 1,
                }
            if self.claims[whose]:
                seen[f"{name}_claim[{self.claims[whose][-1]['status'] - 1}]"] = 1
                seen[f"{name}_claim_price"] = self.claims[whose][-1]["price"]
        if self.offers[seat]:
            seen["own_first_price"] = self.offers[seat][0][0]
        if self.offers[you]:
            first = self.offers[you][0][0]
            earlier = [first, first, first, *(price for price, _ in self.offers[you][:-2])]
            seen |= {"other_first_price": first}
            seen |= {f"other_earlier_prices[{i}]": price for i, price in enumerate(earlier[:-4:-1])}
        seen |= {
            "other_given_still": clip(self.given(you, moved=False), -1, 1),
            "other_given_moved": clip(self.given(you, moved=True), -1, 1),
            "own_still_share": self.turns(seat, moved=False) / self.rounds,
            "other_moved_share": self.turns(you, moved=True) / self.rounds,
        }
        if self.moves[you]:
            seen[f"other_last_move[{int(self.moves[you][-1])}]"] = 1
        mean, sd, low, high, urgency, alternative, confidence = (
            self._stated_vector(seat) if self.tracker == "elicited" else self._belief_vector(seat)
        )
        seen |= {"belief_reservation": shown(mean), "belief_spread": sd, "belief_low": shown(low)}
        seen |= {"belief_high": shown(high), "belief_urgency": urgency, "belief_alternative": alternative}
        seen["belief_confidence"] = confidence
        if self.complete:
            seen |= {"known": 1, "other_reservation": shown(self.reservation[you])}
        return {name: float(value) for name, value in seen.items()}

    def report(self) -> dict[str, Any]:
        """What a finished game came to, by the names of the outcome."""
        best, width, deal = self.best_package(), self.zopa_width(), self.ending == Ending.DEAL
        lower = self.reservation["seller"] - self.values["seller"][best]
        gains = [self.worth(seat, *self.deal()) if deal else 0.0 for seat in SEATS]
        miss = math.sqrt(sum((gain - width / 2) ** 2 for gain in gains) / 2)
        figures = self.figures()
        alike = (
            "ending",
            "opener",
            "closed_by",
            "round",
            "erosion_ticks",
            "start_width",
            "tension_peak",
            "reservation",
        )
        counted = (
            "claims_made",
            "bluffs_made",
            "bluffs_caught",
            "wrong_challenges",
            "events_answered",
            "events_missed",
        )
        conduct = [self.conduct(seat) for seat in SEATS]
        both = {name: [conduct[0][name], conduct[1][name]] for name in conduct[0]} | self.solutions()
        return (
            {name: figures[name] for name in alike + counted}
            | both
            | {
                "pareto": int(not self.could_both_do_better()) if deal else -1,
                "package": self.deal()[1] if deal else -1,
                "price": self.deal()[0] if deal else math.nan,
                "zopa_low": lower,
                "zopa_high": self.reservation["buyer"] + self.values["buyer"][best],
                "nash_price": lower + width / 2 if width > 0 else math.nan,
                "nash_package": best,
                "nash_distance": miss if deal and width > 0 else math.nan,
                "efficiency": math.nan if width == 0 else sum(gains) / width if deal else 0.0,
                "worth": gains,
                "share": [self.share(seat) if deal else 0.0 for seat in SEATS],
                "payoff": [self.payoff(seat) for seat in SEATS],
            }
        )
