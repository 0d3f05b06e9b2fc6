"""The endurance run of an arena: faults, `kill -9` in the middle, a budget that ends, and then the rest.

    python -m tests.language.arena.endurance --deals 125    # 1,000 games

An endpoint in this process answers, `parlay arena` plays in processes of its own. What must hold is checked to the
token: no game is lost, no reply in the journal is asked for again, and the budget is never exceeded.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.language.arena.runs import PRICES, answers_in, lines_of
from tests.language.endpoint import Bill, Endpoint
from tests.processes import Started, wait_until

FAULTS = {
    "429": 0.05,
    "500": 0.03,
    "html": 0.01,
    "not_json": 0.01,
    "prose": 0.03,
    "illegal": 0.02,
    "cut_arguments": 0.02,
}
PARTNERS = ("shark", "champion")
PRICE = (1.5, 6.0)
"""Of a million tokens, prompt and completion; see `PRICES`."""
CENT = 0.01
LIMIT = 3600.0


@dataclass(frozen=True)
class Stage:
    """One run of the command: how it ended, and what the endpoint had answered when it had."""

    exit_code: int
    said: str
    seconds: float
    finished: int
    answered: int
    """Replies in the journal."""
    bill: Bill


@dataclass(frozen=True)
class Report:
    """What came of it all."""

    stages: tuple[Stage, Stage, Stage]
    planned: int
    concurrency: int
    budget: float
    spent_at_budget: float
    result: dict[str, Any]
    matches: list[tuple[Any, ...]]
    requests: int
    answers: list[dict[str, Any]]
    """The replies in the journal."""
    journal: list[dict[str, Any]]
    """All lines of the journal."""

    def problems(self) -> list[str]:
        """Return what is wrong, in sentences."""
        killed, short, whole = self.stages
        lost = whole.bill.answers - whole.answered
        totals = self.result["models"][0]["totals"]
        tokens = tuple(sum(line["tokens"][i] for line in self.answers) for i in range(2))
        replies = Counter((line["game"], line["digest"]) for line in self.answers)
        checks = {
            "the kill came too late": 0 < killed.finished < self.planned,
            "the process was not killed": killed.exit_code == -9,
            f"the budget did not stop it: {short.exit_code}, {short.said}": short.exit_code == 3,
            "no game was played between kill and budget": killed.finished <= short.finished < self.planned,
            "the budget was exceeded": self.spent_at_budget <= self.budget,
            "the budget was not used": self.spent_at_budget > 0.5 * self.budget,
            f"the last run failed: {whole.exit_code}, {whole.said}": whole.exit_code == 0,
            "games are missing": self.result["finished"] == self.planned == whole.finished,
            "a game was kept twice": len(set(self.matches)) == len(self.matches) == self.planned,
            "a reply was paid for twice": max(replies.values()) == 1,
            f"{lost} answers were lost by the kill": 0 <= lost <= self.concurrency,
            "the bill at the end of the budget is larger than it": short.bill.cost(*PRICE) <= self.budget,
            "the journal's tokens are not the bill's": tokens[0] <= whole.bill.prompt_tokens,
            "the result's tokens are not the journal's": (totals["prompt_tokens"], totals["completion_tokens"])
            == tokens,
            "the cost of the replies is not that of their tokens": math.isclose(
                sum(line["cost"] for line in self.answers), tokens[0] * PRICE[0] / 1e6 + tokens[1] * PRICE[1] / 1e6
            ),
            "the cost is not that of the journal": abs(totals["cost"] - _spent(self.journal)) < 1e-5,
            "what is spent is not that of the journal": abs(self.result["spent"] - _spent(self.journal)) < 1e-5,
            "less is spent than the endpoint asks for": whole.bill.cost(*PRICE) <= self.result["spent"] + 1e-6,
        }
        return [problem for problem, holds in checks.items() if not holds]

    def __str__(self) -> str:
        killed, short, whole = self.stages
        totals = self.result["models"][0]["totals"]
        return "\n".join(
            [
                f"games planned, finished: {self.planned}, {self.result['finished']}",
                *(
                    f"{name}: exit code {each.exit_code}, {each.finished} games, {each.answered} replies kept, "
                    f"{each.bill.answers} answered, {each.seconds:.1f} s"
                    for name, each in (("killed", killed), ("out of budget", short), ("whole", whole))
                ),
                f"requests {self.requests}, of which retried {totals['retried']}; unreadable {totals['unreadable']}, "
                f"illegal {totals['illegal']}, lost turns {totals['lost_turns']}",
                f"budget {self.budget:.2f}, then spent {self.spent_at_budget:.4f}; in the end {totals['cost']:.4f}",
                f"answers lost by the kill: {whole.bill.answers - whole.answered} of at most {self.concurrency}",
                *(f"PROBLEM: {problem}" for problem in self.problems()),
            ]
        )


@dataclass(frozen=True)
class Endurance:
    """The run: 2 scenarios' worth of deals, 2 partners, both seats."""

    folder: Path
    deals: int
    concurrency: int = 16
    scenarios: tuple[str, ...] = ("uniform",)

    def play(self) -> Report:
        """Play it, and return what came of it."""
        planned = self.planned
        prices = self.folder / "prices.toml"
        prices.write_text(PRICES, encoding="utf-8")
        with Endpoint(faults=FAULTS) as endpoint:
            killed = self._stage(endpoint, kill_after=planned // 3)
            budget = self._budget(killed)
            short = self._stage(endpoint, "--budget", f"{budget:.2f}")
            spent_at_budget = json.loads((self.out / "result.json").read_text("utf-8"))["spent"]
            whole = self._stage(endpoint, "--budget", "1000")
            requests = len(endpoint.requests)
        result = json.loads((self.out / "result.json").read_text("utf-8"))
        matches = [tuple(line["match"]) for line in lines_of(self.out / "games.jsonl")]
        journal = lines_of(self.out / "replies.jsonl")
        return Report(
            (killed, short, whole),
            planned,
            self.concurrency,
            budget,
            spent_at_budget,
            result,
            matches,
            requests,
            answers_in(self.out),
            journal,
        )

    def _budget(self, killed: Stage) -> float:
        """Return a budget that ends about a third of the way from the kill to the end."""
        spent = killed.bill.cost(*PRICE)
        left = (self.planned - killed.finished) * spent / max(killed.finished, 1)
        return round(spent + 0.3 * left + 20 * CENT, 2)

    @property
    def planned(self) -> int:
        """The number of games."""
        return self.deals * len(self.scenarios) * len(PARTNERS) * 2

    @property
    def out(self) -> Path:
        """The folder of the arena."""
        return self.folder / "arena"

    def _stage(self, endpoint: Endpoint, *more: str, kill_after: int | None = None) -> Stage:
        """Run the command once, to its end or until a number of games are finished."""
        command = [sys.executable, "-m", "parlay_marl", "arena", "scripted", "--base-url", endpoint.url]
        command += [word for name in PARTNERS for word in ("-p", name)] + [
            word for name in self.scenarios for word in ("-s", name)
        ]
        command += ["-n", str(self.deals), "--concurrency", str(self.concurrency), "--retries", "12"]
        command += ["--out", str(self.out), "--prices", str(self.folder / "prices.toml"), "--quiet", *more]
        began = time.monotonic()
        with Started(command, limit=LIMIT) as process:
            if kill_after is not None:
                wait_until(lambda: self._finished() >= kill_after or process.poll() is not None, LIMIT)
                process.kill()
            _, said = process.communicate()
        seconds = time.monotonic() - began
        return Stage(process.returncode, said, seconds, self._finished(), len(answers_in(self.out)), endpoint.bill)

    def _finished(self) -> int:
        path = self.out / "games.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0


def _spent(journal: list[dict[str, Any]]) -> float:
    """Return the cost of all requests; of one whose process was killed, the most that it may have cost."""
    spent, bounds = 0.0, dict[str, float]()
    for line in journal:
        bound = bounds.pop(line["game"], None)
        if line["kind"] == "asked":
            spent += bound or 0.0
            bounds[line["game"]] = line["bound"]
        else:
            spent += line["cost"]
    return spent + sum(bounds.values())


def main() -> None:
    """Play the run, print the report, and fail where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=125, help="deals of each scenario; 8 games each")
    parser.add_argument("--concurrency", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Endurance(Path(folder), given.deals, given.concurrency, ("uniform", "saas_enterprise"))
        report = run.play()
    print(report)
    sys.exit(1 if report.problems() else 0)


if __name__ == "__main__":
    main()
