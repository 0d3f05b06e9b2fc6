"""`openenv.yaml` and the Dockerfile: OpenEnv accepts the one, and both name things that there are."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import parlay_marl
from parlay_marl.cli import app as parlay_app
from parlay_marl.server.settings import ServerSettings
from tests.processes import ROOT

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
