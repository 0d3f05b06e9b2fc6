"""`openenv.yaml` and the Dockerfile: OpenEnv accepts the one, and both name things that there are."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import parlay_marl
from parlay_marl.cli import app as parlay_app
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.settings import ServerSettings
from parlay_marl.studies.benchmark.suite import load_suite
from tests.processes import LIMIT, ROOT
from tests.server.table import factory, served

DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "openenv.yaml").read_text())
    return read


def test_openenv_finds_the_manifest_valid(tmp_path: Path) -> None:
    from openenv.cli.__main__ import app

    for name in ("openenv.yaml", "Dockerfile", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    done = CliRunner().invoke(app, ["validate", str(tmp_path), "--level", "static"])
    assert done.exit_code == 0, done.output
    assert "static.manifest" in done.output
    assert "Verdict: PASS" in done.output


def test_the_manifest_says_what_the_code_says(manifest: dict[str, Any]) -> None:
    assert manifest["version"] == parlay_marl.__version__
    assert manifest["port"] == ServerSettings().port
    module, name = manifest["app"].split(":")
    app = getattr(importlib.import_module(module), name)
    assert TestClient(app).get("/health").json() == {"status": "healthy"}


def test_what_the_manifest_declares_is_there(manifest: dict[str, Any]) -> None:
    declared = manifest["validation"]["capabilities"]
    environment = NegotiationEnvironment(factory())
    assert declared["declared_tools"] == [tool["name"] for tool in environment.tools()]
    counts = {split["name"]: environment.num_tasks(split["name"]) for split in environment.list_splits()}
    assert declared["declared_task_count"] == counts
    assert declared["task_api"]
    assert declared["rubric_tree"]
    assert list(environment.rubric.named_rubrics())
    digest = load_suite().digest
    assert manifest["validation"]["task_distribution"] == {"dataset_version": digest[:12]}


def test_openenv_finds_a_running_server_valid_without_and_with_a_token() -> None:
    from openenv.cli.__main__ import app

    for settings in ({}, {"token": "correct-horse-battery-staple"}):
        with served(**settings) as address:
            done = CliRunner().invoke(
                app, ["validate", "--url", f"http://{address}", "--timeout", str(LIMIT), "--json"]
            )
        report = json.loads(done.stdout)
        assert done.exit_code == 0, done.output
        assert report["standard_profile"] == "openenv-http/1.x"
        assert [each["id"] for each in report["criteria"] if not each["passed"]] == []


PLAN = {
    "plan_schema_version": "1",
    "reset": {"episode_id": "validation", "seed": 7, "options": {"opener": "buyer", "opponent": "conceder"}},
    "actions": [
        {"offer_amount": 120_000, "utterance": "So?"},
        {"message": "/claim 150000"},
        {"message": "Hello."},
        {"message": "Well.\n/silence"},
        *({"message": f"/offer {amount}"} for amount in range(122_000, 165_000, 3_000)),
    ],
}
"""A whole game, with a message that means no move."""


def test_openenvs_runtime_checks_find_nothing(manifest: dict[str, Any]) -> None:
    """Those that `openenv validate` makes of a server in a container, made of one without."""
    from openenv.validation import load_policy
    from openenv.validation.parsers.openenv_yaml import OpenEnvYamlParser
    from openenv.validation.runner import Subject, default_grader_registry
    from openenv.validation.runtime.collector import collect_runtime_evidence
    from openenv.validation.runtime.contracts import RuntimePlan
    from openenv.validation.types import Level

    with served() as address, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how OpenEnv connects
        plan = RuntimePlan.model_validate(PLAN)
        evidence = collect_runtime_evidence(f"http://{address}", plan, episode_timeout_s=LIMIT)
    assert evidence.failure_reason is None
    assert json.loads(evidence.exchanges[-2].response_json)["data"]["done"]
    parsed = OpenEnvYamlParser().parse(ROOT)
    subject = Subject(
        root=ROOT,
        manifest=parsed,
        image_ref=None,
        running=None,
        outputs_dir=ROOT / "outputs",
        runtime_evidence=evidence,
    )
    graders = default_grader_registry(load_policy("v2")).select(parsed, Level.RUNTIME)
    made = [grader for grader in graders if grader.level is Level.RUNTIME and "network" not in grader.check_id]
    assert len(made) == 3
    for grader in made:
        result = grader.run(subject)
        assert (result.check_id, result.status.value) == (grader.check_id, "pass"), result.evidence


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in joined.splitlines() if line.startswith(name + " ")]


def test_what_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in instructions("COPY") if "--from" not in line for name in line.split()[:-1]}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)
    project = (ROOT / "pyproject.toml").read_text()
    for needed in ("README.md", "LICENSE", "personas"):  # what building the wheel reads
        assert needed in project
        assert needed in copied


def test_the_commands_of_the_dockerfile_exist() -> None:
    extra = re.search(r'"\.\[(\w+)\]"', DOCKERFILE)
    assert extra is not None
    assert f"\n{extra[1]} = [" in (ROOT / "pyproject.toml").read_text()
    (serve,) = (json.loads(line) for line in instructions("CMD"))
    assert serve[:2] == ["parlay", "serve"]
    helped = CliRunner().invoke(parlay_app, ["serve", "--help"], env={"COLUMNS": "300"}).output
    assert all(option in helped for option in serve if option.startswith("--"))
    (build,) = (shlex.split(line) for line in instructions("RUN") if "parlay cache" in line)
    assert build[1:] == ["cache", "build", "/opt/parlay/cache"], "tests/cli/test_cache.py runs it"
    assert "PARLAY_CACHE_DIR=/opt/parlay/cache" in DOCKERFILE


def test_the_image_listens_where_it_says_as_somebody_who_is_not_root() -> None:
    assert instructions("EXPOSE") == [str(ServerSettings().port)]
    assert instructions("USER") == ["parlay"]
    assert "/health" in instructions("HEALTHCHECK")[0]
    probe = json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2])
    compile(probe[2], "probe", "exec")
    after = DOCKERFILE[DOCKERFILE.index("\nUSER ") :]
    assert "\nCMD " in after


def test_openenv_reads_the_command_that_serves() -> None:
    from openenv.core.containers.runtime._server_config import parse_dockerfile_cmd, parse_openenv_app_field

    assert parse_dockerfile_cmd(DOCKERFILE) == "parlay serve --host 0.0.0.0"
    app = parse_openenv_app_field((ROOT / "openenv.yaml").read_text())
    assert app == "parlay_marl.server.app:app"
