"""Running an arena: many games at once, saved when finished, until all are played or the budget is spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from parlay_marl.catalogue.families import AnyScenario, load_any_scenario
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import BudgetError, ConfigurationError, EndpointError, StoppedError
from parlay_marl.form_fields import real_number
from parlay_marl.game.config import whole_number
from parlay_marl.game.form_settings import FormArguments, checked_form
from parlay_marl.game.position import checked_seed
from parlay_marl.language.arena.entrants import Model, load_models, load_partners
from parlay_marl.language.arena.folder import REPORT, RESULT, Folder
from parlay_marl.language.arena.look import Look, look_at
from parlay_marl.language.arena.page import arena_page
from parlay_marl.language.arena.plan import Match, Plan
from parlay_marl.language.arena.play import PlayedGame, play_match
from parlay_marl.language.arena.pool import Pool
from parlay_marl.language.arena.prices import read_prices
from parlay_marl.language.arena.summary import Arena, summarise
from parlay_marl.tournament.entrants import EntrantLike

if TYPE_CHECKING:
    from parlay_marl.language.budget import Budget, Prices
    from parlay_marl.language.chat_player import ChatPlayer
    from parlay_marl.language.journal import JournalFile

DEALS = ("saas_enterprise", "uniform")
"""The default scenarios: one story of the catalogue, and one in which half of the deals have no ZOPA."""
MOST_DEALS, MOST_REPEATS, MOST_GAMES_AT_ONCE = 100_000, 100, 512
UNLIMITED = 1e300
MOST_FAILURES = 5
"""Most games in a row that an endpoint may fail, with none finished between them; then the arena stops."""

OnGame = Callable[[int, int], None]
"""Called with the number of finished games and of all games."""


@dataclass
class Terms:
    """Settings of the endpoint that do not affect results."""

    prices: Mapping[str, Prices]
    budget: Budget
    journal: JournalFile | None

    def seated(self, model: Model, match: Match, seat: int) -> ChatPlayer:
        """Return the player of a model for a seat of one game; each repetition has its own sampling seed."""
        from parlay_marl.language.chat_player import ChatPlayer

        settings = dict(model.settings)
        if settings.get("seed") is not None:
            settings["seed"] += match.repeat
        journal = None if self.journal is None else self.journal.of(f"{match.key}/{SEATS[seat]}")
        prices = self.prices.get(model.name)
        budget = None if prices is None else self.budget
        return ChatPlayer(**settings, **model.connection, prices=prices, budget=budget, journal=journal)


def run_arena(
    models: Sequence[str],
    partners: Sequence[EntrantLike] | None = None,
    scenarios: Sequence[str | Path | AnyScenario] = DEALS,
    *,
    games: int = 5,
    repeats: int = 1,
    seed: int = 0,
    rules: Any = "default",
    opener: str | None = None,
    each_other: bool = True,
    settings: Mapping[str, Any] | None = None,
    connection: Mapping[str, Any] | None = None,
    concurrency: int = 8,
    out: str | Path | None = None,
    prices: str | Path | None = None,
    budget: float | None = None,
    on_game: OnGame | None = None,
    on_stopping: Callable[[], None] | None = None,
    **form: Unpack[FormArguments],
) -> Arena:
    """Let models play partners and each other, in both seats of the same deals; return their figures and the games.

    `models` are names for an OpenAI-compatible endpoint, which settings may follow: `"gpt-5-mini?temperature=0"`.
    `partners` are what a tournament takes; None takes the catalogue. `games` is the number of deals of each scenario,
    `repeats` how often each game is played. `settings` are arguments of `ChatPlayer` that change what is measured
    (temperature, tools, ...), `connection` those that do not (base_url, timeout, retries). `concurrency` is the number
    of games that are played at once.

    `out` is a folder that takes each reply and each game; the same call goes on with it, and pays for no reply again.
    `prices` is a TOML file with the prices of each model; with it, `budget` limits the cost of all replies in `out`.
    `on_game` is called with the number of finished games and of all, `on_stopping` after Ctrl-C; `form`: FormArguments.

    Raises `ConfigurationError` before the first request for arguments that cannot be used.
    """
    loaded = tuple(load_any_scenario(scenario) for scenario in scenarios)
    plan = Plan(
        load_models(models, settings or {}, connection or {}),
        load_partners(partners, loaded),
        loaded,
        load_rules(rules),
        games=whole_number("games", games, 1, MOST_DEALS),
        repeats=whole_number("repeats", repeats, 1, MOST_REPEATS),
        seed=checked_seed(seed),
        opener=opener,
        form=checked_form(form, "arena"),
        each_other=each_other,
    )
    plan.check()
    threads = whole_number("concurrency", concurrency, 1, MOST_GAMES_AT_ONCE)
    money = _money(prices, budget, plan)
    folder = None if out is None else Folder(out, plan.as_dict())
    try:
        run = _Run(plan, folder, on_game)
        run.open(*money)
        run.play(threads, on_stopping)
        return run.arena()
    finally:
        if folder is not None:
            folder.close()


def _money(path: str | Path | None, budget: float | None, plan: Plan) -> tuple[dict[str, Prices], float | None]:
    """Return the prices of the models and the cost limit; raise an error that says what is wrong with them."""
    prices = {} if path is None else read_prices(path, plan.models)
    if budget is None:
        return prices, None
    if not 0.0 <= real_number(budget) < math.inf:
        raise ConfigurationError(f"budget: give an amount of 0 or more, not {budget!r}")
    if not prices:
        raise ConfigurationError("budget: give the prices of the models, too (--prices FILE), so that costs are known")
    return prices, float(budget)


@dataclass
class _Run:
    """One run of a plan."""

    plan: Plan
    folder: Folder | None
    on_game: OnGame | None
    finished: dict[Match, tuple[PlayedGame, Look]] = field(default_factory=dict)
    stopped: str | None = None
    """Why games are not finished."""
    failures: int = 0
    """Games in a row that an endpoint has failed."""

    def open(self, prices: Mapping[str, Prices], limit: float | None) -> None:
        """Read the finished games, and prepare the requests."""
        from parlay_marl.language.budget import Budget
        from parlay_marl.language.journal import JournalFile

        for played, look in () if self.folder is None else self.folder.finished(self._read):
            self.finished[played.match] = played, look
        self.journal = None if self.folder is None else JournalFile(self.folder.replies)
        spent = 0.0 if self.journal is None else self.journal.spent
        self.budget = Budget(UNLIMITED if limit is None else limit, spent=spent)
        self.terms = Terms(prices, self.budget, self.journal)

    def _read(self, data: Any) -> tuple[PlayedGame, Look]:
        played = PlayedGame.from_dict(data, self.plan)
        return played, look_at(played)

    def play(self, threads: int, on_stopping: Callable[[], None] | None) -> None:
        """Play the unfinished games, until all are played or the run is stopped."""
        open_games = [match for match in self.plan.matches() if match not in self.finished]
        self._tell()
        self.pool: Pool[Match, PlayedGame] = Pool(self._play, self._take, min(threads, len(open_games) or 1))
        try:
            self.pool.run(open_games, on_stopping)
        finally:
            if self.journal is not None:
                self.journal.close()

    def _play(self, match: Match) -> PlayedGame:
        return play_match(self.plan, match, self.terms.seated, self.pool.stop)

    def _take(self, match: Match, result: PlayedGame | BaseException) -> None:
        """Save a finished game; stop when the budget is spent or the endpoint does not recover."""
        if isinstance(result, PlayedGame):
            self.failures = 0
            if self.folder is not None:
                self.folder.save(result.as_dict())
            self.finished[match] = result, look_at(result)
            self._tell()
        elif isinstance(result, BudgetError):
            self._stop(str(result))
        elif isinstance(result, EndpointError):
            self.failures += 1
            self.stopped = self.stopped or f"the endpoint failed: {result}"
            if self.failures >= MOST_FAILURES:
                self._stop(f"the endpoint failed in {self.failures} games in a row: {result}")
        elif not isinstance(result, StoppedError):
            raise result

    def _stop(self, reason: str) -> None:
        """Begin no further game; running ones stop at the model's next turn."""
        if not self.pool.stop.is_set():
            self.stopped = reason
        self.pool.stop.set()

    def _tell(self) -> None:
        if self.on_game is not None:
            self.on_game(len(self.finished), self.plan.total)

    def arena(self) -> Arena:
        """Return the result, and write it and its report to the folder."""
        games = tuple(self.finished[match] for match in self.plan.matches() if match in self.finished)
        result = summarise(self.plan, games, spent=self.budget.spent, stopped=self.stopped)
        found = Arena(result, games)
        if self.folder is not None:
            self.folder.write(RESULT, result.as_json())
            self.folder.write(REPORT, arena_page(found).encode())
        return found
