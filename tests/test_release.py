"""What a release needs: one version everywhere, workflows that call scripts, pages that strangers look for."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import yaml

import parlay_marl
from tests.processes import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def commands(workflow: dict[str, Any]) -> list[str]:
    """Return what the jobs of a workflow run."""
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def test_what_is_cited_is_this_version() -> None:
    citation = read("CITATION.cff")
    assert citation["version"] == parlay_marl.__version__
    assert citation["license"] == "MIT"
    assert {"cff-version", "message", "title", "authors", "date-released"} <= set(citation)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_decide_nothing_themselves(path: Any) -> None:
    """Each line is a script of the repository, or Docker: what they do can be done by hand."""
    workflow = read(str(path.relative_to(ROOT)))
    assert commands(workflow)
    for command in commands(workflow):
        program = command.split()[0]
        assert program == "docker" or os.access(ROOT / program, os.X_OK), command
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job or "pypi" in job.get("environment", "")


def test_every_python_that_is_promised_is_tried() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    promised = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)
    assert promised
    assert set(promised) <= set(read(".github/workflows/check.yml")["jobs"]["pythons"]["strategy"]["matrix"]["python"])
    assert f'requires-python = ">={promised[0]}"' in project


def test_templates_of_issues_ask_for_what_is_needed() -> None:
    for name in ("bug", "idea"):
        template = read(f".github/ISSUE_TEMPLATE/{name}.yml")
        assert {"name", "description", "body"} <= set(template)
        assert any(part.get("validations", {}).get("required") for part in template["body"])


def test_the_quick_check_names_tests_that_exist() -> None:
    script = (ROOT / "scripts/check").read_text("utf-8")
    names = re.search(r"^quick_tests=\((.*?)^\)", script, re.DOTALL | re.MULTILINE)
    assert names is not None
    assert len(names[1].split()) > 10
    assert [name for name in names[1].split() if not (ROOT / name).exists()] == []
