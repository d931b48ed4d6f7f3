"""Workflows, hooks and templates name commands, tasks and files that are there."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TASKS = tomllib.loads((ROOT / "devboot.toml").read_text())["tasks"]


def steps(workflow):
    return [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_programs_and_tasks_of_the_checkout(workflow):
    commands = [step["run"].split() for step in steps(workflow) if "run" in step]
    assert commands
    for program, *words in commands:
        assert (ROOT / program).stat().st_mode & 0o100
        assert words[:1] != ["run"] or words[1] in ("--", *TASKS)
        assert [word for word in words if word.endswith(".py") and not (ROOT / word).exists()] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_few_rights_and_an_end(workflow):
    document = yaml.safe_load(workflow.read_text())
    assert document["permissions"]["contents"] == "read"
    assert all(job["timeout-minutes"] <= 45 for job in document["jobs"].values())


def test_ci_runs_on_linux_and_macos():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert job["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest"]
    assert job["steps"][-1] == {"run": ".ci/run"}


def test_hooks_check_what_the_task_lint_checks():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    entries = [hook["entry"].removeprefix("./devbootw -q run -- ") for hook in local["hooks"]]
    assert [entry.removesuffix(" --force-exclude") for entry in entries] == TASKS["lint"]["run"].split(" && ")


def test_templates_for_issues_have_a_name_and_what_they_are_about():
    for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.md"):
        head = yaml.safe_load(re.fullmatch(r"---\n(.*?)---\n.*", path.read_text(), re.DOTALL)[1])
        assert {"name", "about", "labels"} == set(head)


def test_the_page_about_ci_uses_the_same_actions_as_this_repository():
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/ci.md").read_text(), re.DOTALL)
    (job,) = yaml.safe_load(block)["jobs"].values()
    versions = dict(step["uses"].split("@") for workflow in WORKFLOWS for step in steps(workflow) if "uses" in step)
    used = dict(step["uses"].split("@") for step in job["steps"] if "uses" in step)
    assert used["actions/checkout"] == versions["actions/checkout"]
    assert all(step["run"].startswith(("echo ", "devbootw ")) for step in job["steps"] if "run" in step)
