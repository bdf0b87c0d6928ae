"""The `deploybot` command as a process of its own, in a clean environment."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.ports import Write
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests.story import THREAD, Story

ROOT = Path(__file__).parents[2]
REPO = '[repos."acme/shop"]'


def deploybot(
    folder: Path, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder."""
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "arguments",
    [[], ["deploy"], ["serve", "--fast"], ["threads"], ["serve", "--no-worker", "--worker-only"]],
)
def test_a_mistake_in_its_use_is_answered_by_the_usage(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = deploybot(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: deploybot")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["serve"], ["doctor"], ["threads", "list"]])
def test_without_a_configuration_file_it_says_so_in_one_line(
    tmp_path: Path, command: list[str]
) -> None:
    done = deploybot(tmp_path, *command)
    assert done.returncode == 2
    assert done.stderr.startswith("There is no configuration file 'deploybot.toml'.")
    assert done.stderr.count("\n") == 1


def test_serve_refuses_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "deploybot.toml").write_text(f'{REPO}\nchannel = "deploys"\nfreeze = true\n')
    done = deploybot(tmp_path, "serve")
    assert done.returncode == 2
    for said in ("SLACK_BOT_TOKEN: not set", ".channel: 'deploys'", ".freeze: unknown key"):
        assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_lists_every_problem(tmp_path: Path) -> None:
    (tmp_path / "deploybot.toml").write_text(f'{REPO}\nchannel = "deploys"\nfreeze = true\n')
    done = deploybot(tmp_path, "doctor")
    assert done.returncode == 1
    for said in (
        'WRONG  configuration: repos."acme/shop".channel: ',
        'WRONG  configuration: repos."acme/shop".freeze: unknown key',
        'WRONG  configuration: repos."acme/shop".approvers: missing',
        "WRONG  SLACK_BOT_TOKEN: not set",
        "   ok  Redis: answers (embedded)",
        "    ?  GitHub: no credentials",
        "    ?  model: none, the offline planner decides",
    ):
        assert said in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_says_who_can_never_approve(tmp_path: Path) -> None:
    target = '{ deployer = "command", argv = ["true"] }'
    (tmp_path / "deploybot.toml").write_text(
        f'{REPO}\nchannel = "C01DEPLOYS"\napprovers = []\n'
        f"staging.services.backend = {target}\n"
        f"production.services.frontend = {target}\n"
        'production.services.backend = { deployer = "command", argv = ["true"], '
        'approvers = ["U02BOB"], approvals_needed = 2 }\n'
    )
    done = deploybot(tmp_path, "doctor")
    assert "WRONG  acme/shop: nobody can approve frontend in production" in done.stdout
    assert "WRONG  acme/shop: backend needs 2 approvals, and has 1 approvers" in done.stdout


def test_the_manifest_names_the_address_that_was_given(tmp_path: Path) -> None:
    done = deploybot(tmp_path, "manifest", "--url", "https://bot.example/")
    settings = json.loads(done.stdout)["settings"]
    assert settings["event_subscriptions"]["request_url"] == "https://bot.example/slack/events"
    assert settings["interactivity"]["request_url"] == "https://bot.example/slack/events"


async def test_threads_are_listed_in_plain_text(tmp_path: Path) -> None:
    target = '{ deployer = "command", argv = ["true"] }'
    (tmp_path / "deploybot.toml").write_text(
        f'{REPO}\nchannel = "C01DEPLOYS"\napprovers = []\n'
        f"staging.services.backend = {target}\nproduction.services.backend = {target}\n"
    )
    store = tmp_path / ".deploybot" / "redis"
    log = RedisLog(connect(await start_embedded(store)))
    story = Story().merged().staged().asks()
    await log.append(Write(THREAD, [entry.event for entry in story.entries]))
    await log.close()
    done = await asyncio.to_thread(deploybot, tmp_path, "threads", "list")
    await stop_embedded(store)
    assert done.stdout.startswith(THREAD)
    assert "4af9ec0  approval: deploy backend 4af9ec0, until 2027-" in done.stdout
    assert "<" not in done.stdout


def test_a_thread_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = deploybot(tmp_path, "threads", "show", "acme/shop/0123456789")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no thread 'acme/shop/0123456789'.")
