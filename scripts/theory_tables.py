"""The tables of docs/theory.md, from what `experiments/theory.py` has written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Table = tuple[Sequence[str], Iterable[Sequence[Any]]]
FILE = Path(__file__).resolve().parent.parent / "experiments" / "theory.json"


def _found() -> Row:
    found: Row = json.loads(FILE.read_text("utf-8"))
    return found


def offers_table() -> Table:
    """Return the solved games of alternating offers."""
    head = ("scenario", "rounds", "histories", "information states", "iterations", "NashConv", "seconds",
            "buyer", "seller", "deals", "gains of the first best")  # fmt: skip
    rows = [
        (
            f"`{row['scenario']}`", row["rounds"], f"{row['histories']:,}", f"{row['information_states']:,}",
            row["iterations"], f"{row['nash_conv']:.5f}", f"{row['seconds']:.1f}", f"{row['payoff'][0]:.4f}",
            f"{row['payoff'][1]:.4f}", f"{row['deals']:.1%}", f"{row['gains'] / row['first_best']:.1%}",
        )
        for row in _found()["offers"]
    ]  # fmt: skip
    return head, rows


def seller_table() -> Table:
    """Return the opening prices of sellers beside the closed form."""
    head = (
        "offers",
        "prices",
        "types of the buyer",
        "opening price",
        "closed form",
        "profit",
        "closed form",
        "NashConv",
    )
    rows = [
        (
            row["periods"], row["prices"], row["types"][0], f"{row['price']:.4f}", f"{row['known_price']:.4f}",
            f"{row['payoff'][1]:.4f}", f"{row['known_profit']:.4f}", f"{row['nash_conv']:.5f}",
        )
        for row in _found()["protocols"]["seller_offers"]
    ]  # fmt: skip
    return head, rows


def sealed_table() -> Table:
    """Return the gains of sealed bids beside those of the linear equilibrium and the bound on any rule."""
    head = ("prices", "types a seat", "gains", "linear equilibrium", "no rule gains more, for these types", "trade",
            "linear equilibrium", "NashConv")  # fmt: skip
    rows = [
        (
            row["prices"], row["types"][0], f"{row['gains']:.4f}", f"{row['known_gains']:.4f}", f"{row['bound']:.4f}",
            f"{row['deals']:.4f}", f"{row['known_trade']:.4f}", f"{row['nash_conv']:.5f}",
        )
        for row in _found()["protocols"]["sealed_bid"]
    ]  # fmt: skip
    return head, rows


def players_table() -> Table:
    """Return the exact gaps of players beside those that trained replies find."""
    head = ("game", "player", "payoff as buyer", "as seller", "exact gap as buyer", "found", "exact gap as seller",
            "found", "NashConv")  # fmt: skip
    rows = []
    for row in _found()["players"]:
        found = [f"{gap:.4f}" for gap in row.get("found", ())] or ["", ""]
        rows.append(
            (
                row["game"], f"`{row['player']}`", f"{row['payoff'][0]:.4f}", f"{row['payoff'][1]:.4f}",
                f"{row['gain'][0]:.4f}", found[0], f"{row['gain'][1]:.4f}", found[1], f"{sum(row['gain']):.4f}",
            )
        )  # fmt: skip
    return head, rows


def learned_table() -> Table:
    """Return the exact gaps of learners."""
    head = ("game", "seed", "payoff as buyer", "as seller", "gap as buyer", "as seller", "NashConv", "exploitability",
            "of the likeliest actions")  # fmt: skip
    rows = [
        (
            row["game"], row["seed"], f"{row['payoff'][0]:.4f}", f"{row['payoff'][1]:.4f}", f"{row['gain'][0]:.4f}",
            f"{row['gain'][1]:.4f}", f"{sum(row['gain']):.4f}", f"{sum(row['gain']) / 2:.4f}",
            f"{sum(row['gain_of_likeliest']) / 2:.4f}",
        )
        for row in _found()["learned"]
    ]  # fmt: skip
    return head, rows
