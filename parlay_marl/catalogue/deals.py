"""Deals of families: the records from which kernels draw them, and a drawn deal as a scenario to read."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel

from parlay_marl.catalogue.families import AnyScenario, EffectRange, Family, load_any_scenario
from parlay_marl.catalogue.scenarios import SENSITIVITY, Params, Scenario, build_params, rule_params
from parlay_marl.core.chance import subkey
from parlay_marl.core.compiled import trial
from parlay_marl.core.compiled.jit import entry_point
from parlay_marl.core.drift import TAGS
from parlay_marl.core.family import draw_deal
from parlay_marl.core.form import USUAL_FORM, Form
from parlay_marl.core.moves import SEATS
from parlay_marl.core.params import Opener


def build_any_params(
    scenario: AnyScenario,
    rules: BaseModel,
    *,
    opener: str | None = None,
    rounds: int | None = None,
    information: str | None = None,
    reward: str = "payoff",
    beliefs: str = "bayes",
    events: bool = True,
    form: Form = USUAL_FORM,
) -> Params:
    """Return the core's record, an array of one, of a scenario or a family under rules; see `build_params`.

    A family's record holds its ranges, and the largest numbers of rounds and packages of a deal. Games need records
    of their own, into which their deals are drawn: see `with_room`.
    """
    loaded = load_any_scenario(scenario)
    if isinstance(loaded, Scenario):
        return build_params(
            loaded, rules, opener=opener, rounds=rounds, information=information, reward=reward, beliefs=beliefs,
            events=events, form=form,
        )  # fmt: skip
    params = rule_params(rules, reward, beliefs, form)
    sc = params[0]["scenario"]
    sc["opener"] = Opener[(opener or loaded.opener).upper()]
    sc["complete"] = (information or loaded.information) == "complete"
    sc["sensitivity_low"], sc["sensitivity_high"] = SENSITIVITY
    rounds = form.rounds or rounds
    sc["rounds"], sc["packages"] = rounds or loaded.rounds[1], loaded.n_packages
    _fill_ranges(params[0]["family"], loaded)
    if not events:
        params[0]["family"]["events"] = 0
    if rounds is not None:
        params[0]["family"]["rounds"] = rounds
    params.flags.writeable = False
    return params


def _fill_ranges(f: Any, family: Family) -> None:
    """Write a family's ranges into its record."""
    f["draws"] = 1
    f["unit"], f["step"] = family.unit, family.step
    f["low"], f["width"], f["rounds"] = family.range.low, family.range.width, family.rounds
    zopa = family.zopa
    f["strangers"], f["place"], f["gap"] = zopa.strangers, zopa.place, zopa.width
    f["doubtful"], f["missing"], f["spread"] = zopa.doubtful, zopa.missing, family.spread
    f["urgency"], f["urgency_spread"] = family.urgency.nominal, family.urgency.spread
    f["alternative"] = family.alternative
    f["discounted"], f["discount_factor"] = family.discounting.share, family.discounting.factor
    _fill_terms(f, family)
    _fill_events(f, family)


def _fill_terms(f: Any, family: Family) -> None:
    """Write the ranges of a family's terms into its record."""
    terms = family.terms
    f["terms"], f["term_pool"] = terms.count, len(terms.pool)
    f["weight"], f["imbalance"] = terms.weight, terms.imbalance
    f["curvature"], f["value_spread"] = terms.curvature, terms.value_spread
    for i, kind in enumerate(terms.pool):
        f["term_options"][i], f["term_favours"][i] = len(kind.options), SEATS.index(kind.favours)


def _fill_events(f: Any, family: Family) -> None:
    """Write the ranges of a family's events into its record."""
    events = family.events
    f["events"], f["event_pool"] = events.count, len(events.pool)
    f["event_when"], f["event_jitter"] = events.when, events.jitter
    f["event_alternative"] = -1.0
    for i, kind in enumerate(events.pool):
        f["event_tags"][i] = sum(1 << TAGS.index(tag) for tag in set(kind.tags))
        for j, seat in enumerate(SEATS):
            effect: EffectRange | None = getattr(kind, seat)
            if effect is None:
                continue
            f["event_named"][i, j] = 1
            f["event_urgency"][i, j], f["event_value_shift"][i, j] = effect.urgency, effect.value_shift
            if effect.alternative is not None:
                f["event_alternative"][i, j] = float(effect.alternative)


# ---------------------------------------------------------------------- drawing


def draws(params: Params) -> bool:
    """Return whether one of these records is a family."""
    return bool((params["family"]["draws"] == 1).any())


def with_room(params: Params, games: int) -> Params:
    """Return writable parameters for kernels that play `games` games at once.

    Where one of them is a family, a record for each game is appended, into which its deal is drawn.
    """
    own = games if draws(params) else 0
    room = np.zeros(len(params) + own, params.dtype)
    for i in range(len(params)):  # by records: a copy of the whole array would have a new dtype object
        room[i] = params[i]
    return room


@entry_point
def draw_deals(params: Any, seed: Any, numbers: Any) -> None:
    """Draw the deals of games of a seed into parameters, `(n,)`, copies of a family's; `numbers` is (n,) int64."""
    for i in range(len(numbers)):
        draw_deal(params[i], params[i]["family"], subkey(np.uint64(seed), numbers[i]))


def drawn(params: Params, seed: int, numbers: Any) -> Params:
    """Return the parameters `(n,)` of games of a seed; `params` is an array of one, of a family."""
    n = len(numbers)
    result = np.zeros(n, params.dtype)
    result[:] = params[0]
    trial.call(draw_deals, result, np.uint64(seed), np.asarray(numbers, np.int64), games=n)
    return result


def scenario_of(family: Family, params: Any) -> Scenario:
    """Return a drawn deal, one record of parameters, as a scenario from which `build_params` makes the same record."""
    sc, deal = params["scenario"], params["deal"]
    uniform = bool(sc["uniform"])
    figures: dict[str, Any] = {
        "name": family.name, "title": family.title, "currency": family.currency, "unit": family.unit,
        "low": float(sc["low"]), "high": float(sc["high"]), "rounds": int(sc["rounds"]),
        "opener": Opener(int(sc["opener"])).name.lower(), "value_spread": float(sc["value_spread"]),
        "information": "complete" if sc["complete"] else "incomplete",
    }  # fmt: skip
    if uniform:
        figures["reservation"] = {"distribution": "uniform"}
    else:
        figures["reservation"] = _by_seat(sc["reservation"]) | {"spread": float(sc["reservation_spread"])}
    figures["urgency"] = _by_seat(sc["urgency"]) | {"spread": float(sc["urgency_spread"])}
    figures["alternative"] = _by_seat(sc["alternative"])
    if not np.isnan(sc["discount_factor"]).any():
        figures["discount_factor"] = _by_seat(sc["discount_factor"])
    figures["terms"] = _terms(family, sc, deal)
    figures["events"] = _events(family, sc, deal)
    figures["story"] = family.story.rstrip() + "\n" + _in_words(family, sc)
    return Scenario.model_validate(figures)


def _by_seat(pair: Any) -> dict[str, float]:
    """Return the figures of both seats by name."""
    return dict(zip(SEATS, pair.tolist(), strict=True))


def _terms(family: Family, sc: Any, deal: Any) -> tuple[dict[str, Any], ...]:
    """Return the terms of a deal, with what each option is worth in currency."""
    width, stride, terms = float(sc["high"] - sc["low"]), 1, []
    for j in reversed(range(int(sc["terms"]))):
        kind, options = family.terms.pool[int(deal["terms"][j])], []
        for option in range(int(sc["term_options"][j])):
            worth = {seat: _whole(sc["package_values"][i][option * stride] * width) for i, seat in enumerate(SEATS)}
            options.append({"name": kind.options[option], **worth})
        stride *= len(options)
        terms.append({"name": kind.name, "options": options})
    return tuple(reversed(terms))


def _whole(amount: float) -> float:
    """Return an amount without rounding error: amounts of deals are integers."""
    return float(round(amount))


def _events(family: Family, sc: Any, deal: Any) -> tuple[dict[str, Any], ...]:
    """Return the events of a deal."""
    events = []
    for i in range(int(sc["events"])):
        kind = family.events.pool[int(deal["events"][i])]
        event: dict[str, Any] = {"headline": kind.headline, "tags": kind.tags}
        event |= {"round": int(sc["event_round"][i]), "jitter": int(sc["event_jitter"][i])}
        for j, seat in enumerate(SEATS):
            if sc["event_named"][i][j]:
                sets = float(sc["event_alternative"][i][j])
                event[seat] = {
                    "urgency": float(sc["event_urgency"][i][j]),
                    "value_shift": float(sc["event_value_shift"][i][j]),
                    "alternative": None if sets < 0.0 else sets > 0.0,
                }
        events.append(event)
    return tuple(events)


def _in_words(family: Family, sc: Any) -> str:
    """Return a sentence on the public knowledge of the limits of a deal."""
    if sc["uniform"]:
        return "This time nothing is known of either side's limit but the price range: any figure is as likely."
    buyer, seller = (f"{figure:,.0f}" for figure in sc["reservation"])
    part = float(sc["reservation_spread"])
    return (
        f"This time both sides know that the buyer's limit lies near {family.currency} {buyer} and the seller's near "
        f"{family.currency} {seller}, each within {part:.1%}."
    )
