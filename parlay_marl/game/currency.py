"""The amounts of one scenario in its currency, as numbers and as text; the scenario's data is read once.

`Scenario.to_currency` and `game.text` write the same, and look up the scenario's unit for every amount.
"""

from __future__ import annotations

import functools

from parlay_marl.catalogue.scenarios import Scenario


class Currency:
    """The text writer for the amounts of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.currency: str = scenario.currency
        self.packages = scenario.n_packages
        self._low, self._width = scenario.low, scenario.high - scenario.low
        self._decimals, self._exact = scenario.decimals, scenario.exact_decimals
        self._form, self._exact_form = f",.{self._decimals}f", f",.{self._exact}f"
        name = self.currency.replace("{", "{{").replace("}", "}}")
        self._money = f"{name} {{:{self._form}}}".format

    def price(self, x: float) -> float:
        """Return a normalised price in currency, as `Scenario.to_currency` does."""
        return round(float(self._low + x * self._width), self._exact)

    def width(self, share: float) -> float:
        """Return a share of the public range in currency, not rounded."""
        return share * self._width

    def worth(self, worth: float) -> float:
        """Return a normalised worth in currency, rounded to decimals that are exact."""
        return round(float(worth) * self._width, self._exact)

    def worths(self, worths: tuple[float, ...]) -> tuple[float, ...]:
        """Return `worth` of each; those of a seat stay the same from turn to turn."""
        return _rounded(worths, self._width, self._exact)

    def number(self, amount: float) -> str:
        """Return a figure in currency, rounded to the decimals of prices."""
        if amount > 0.0:
            return format(amount, self._form)
        return format(round(amount, self._decimals) + 0.0, self._form)  # no minus before a zero

    def money(self, amount: float) -> str:
        """Return the same with the currency's name."""
        return self._money(amount) if amount > 0.0 else f"{self.currency} {self.number(amount)}"

    def exact_money(self, amount: float) -> str:
        """Return the exact price of an offer, a claim or a deal, so that typing it gives the same price."""
        if round(amount, self._decimals) == amount:
            return self.money(amount)
        return f"{self.currency} {format(amount, self._exact_form).rstrip('0')}"


@functools.lru_cache(maxsize=4096)
def _rounded(shares: tuple[float, ...], width: float, decimals: int) -> tuple[float, ...]:
    """Return shares of a range in currency, rounded to a number of decimals."""
    return tuple(round(share * width, decimals) for share in shares)
