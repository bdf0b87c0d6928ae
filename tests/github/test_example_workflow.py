"""The documented workflow: it fits the deployer, and refuses an attempt that ran before."""

import asyncio
import os
import stat
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from app.core.workflows import WorkflowRun
from tests.github.actions import RUN_NAME, FakeActions, Trouble
from tests.shop import REPO
from tools.deployers.github_actions_outcome import deployed, words

EXAMPLE = Path(__file__).parents[2] / "examples/github-actions/deploy.yml"
SHA = "4af9ec0" + "0" * 33
ID = "3f2a9c8b7d6e5f4a3b2c1d0e9f8a7b6c"
# As much of GitHub's own program as the step uses.
GH = """#!{python}
import json, sys, urllib.error, urllib.request
_, _, _, paginate, path, _, event, _, size, _, jq = sys.argv[1:]
assert paginate == "--paginate"
assert jq == '.workflow_runs[] | "\\\\(.id) \\\\(.display_title)"', jq
page, found = 0, [{{}}] * 100
while len(found) == 100:
    page += 1
    try:
        answer = urllib.request.urlopen(f"{url}/{{path}}?{{event}}&{{size}}&page={{page}}")
    except urllib.error.HTTPError as error:
        sys.exit(f"gh: {{error}}")
    found = json.load(answer)["workflow_runs"]
    for run in found:
        print(run["id"], run["display_title"])
"""


def workflow() -> dict[str, Any]:
    load = cast("Any", yaml).load  # its types are partly unknown
    return load(EXAMPLE.read_text(), Loader=yaml.BaseLoader)  # "on" stays a word


def step(name: str) -> dict[str, Any]:
    return next(s for s in workflow()["jobs"]["deploy"]["steps"] if s.get("name") == name)


async def refuses(github: FakeActions, folder: Path, run_id: int, attempt_id: str = ID) -> str:
    """Run the step as GitHub does in one run; return its error, empty if it lets the run go on."""
    program = folder / "gh"
    program.write_text(GH.format(python=sys.executable, url=github.url))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "ATTEMPT_ID": attempt_id,
        "GITHUB_REPOSITORY": REPO,
        "GITHUB_RUN_ID": str(run_id),
        "GITHUB_WORKFLOW_REF": f"{REPO}/.github/workflows/deploy.yml@refs/heads/main",
    }
    script = step("Refuse a known attempt")["run"]
    process = await asyncio.create_subprocess_exec(
        *["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert (process.returncode != 0) == bool(said.strip()), said
    return said.decode()


def dispatched(github: FakeActions, attempt_id: str) -> int:
    """Let a run of an attempt be there."""
    title = RUN_NAME.format(
        service="backend", environment="production", sha=SHA, attempt_id=attempt_id
    )
    return github.begins("deploy.yml", title)


async def test_the_first_run_of_an_attempt_goes_on(tmp_path: Path) -> None:
    async with FakeActions.run() as github:
        dispatched(github, "f" * 32)
        first = dispatched(github, ID)
        dispatched(github, "e" * 32)
        assert await refuses(github, tmp_path, first) == ""


async def test_the_second_run_of_an_attempt_is_refused(tmp_path: Path) -> None:
    async with FakeActions.run() as github:
        first, second = dispatched(github, ID), dispatched(github, ID)
        said = await refuses(github, tmp_path, second)
        assert said == f"::error::Run {first} is this attempt already\n"
        assert await refuses(github, tmp_path, first) == ""


async def test_it_is_refused_however_many_runs_came_between(tmp_path: Path) -> None:
    async with FakeActions.run() as github:
        first = dispatched(github, ID)
        for _ in range(100):
            dispatched(github, "f" * 32)
        said = await refuses(github, tmp_path, dispatched(github, ID))
        assert said == f"::error::Run {first} is this attempt already\n"


async def test_without_an_answer_no_run_goes_on(tmp_path: Path) -> None:
    async with FakeActions.run() as github:
        first = dispatched(github, ID)
        github.away = Trouble(503)
        assert "503" in await refuses(github, tmp_path, first)


@pytest.mark.parametrize("attempt_id", ["", "*", "by hand", ID.upper()])
async def test_what_is_no_attempts_id_is_refused(tmp_path: Path, attempt_id: str) -> None:
    async with FakeActions.run() as github:
        said = await refuses(github, tmp_path, dispatched(github, ID), attempt_id)
        assert "is no attempt id" in said


def test_its_runs_say_in_their_names_what_they_deployed() -> None:
    name: str = workflow()["run-name"]
    for given in ("service", "environment", "sha", "attempt_id"):
        name = name.replace(f"${{{{ inputs.{given} }}}}", f"{{{given}}}")
    assert name == RUN_NAME
    title = name.format(service="backend", environment="production", sha=SHA, attempt_id=ID)
    run = WorkflowRun(1, title, "workflow_dispatch", "main", "", "completed", "success", "", 0, 0)
    assert deployed(run, "backend", "production") == SHA
    assert ID in words(title)


def test_it_takes_what_the_deployer_sends_and_deploys_the_sha() -> None:
    inputs = workflow()["on"]["workflow_dispatch"]["inputs"]
    assert set(inputs) == {"service", "environment", "sha", "attempt_id"}
    checkout = workflow()["jobs"]["deploy"]["steps"][1]
    assert checkout["with"]["ref"] == "${{ inputs.sha }}"


def test_no_input_becomes_part_of_a_script() -> None:
    scripts = [s["run"] for s in workflow()["jobs"]["deploy"]["steps"] if "run" in s]
    assert [script for script in scripts if "${{" in script] == []
