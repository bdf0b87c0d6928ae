"""The `deploybot` command as a process of its own, in a clean environment."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.core import events as ev
from app.core.ports import Write
from app.demo.child import free_port
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests import forks
from tests.shop import BOB
from tests.story import NEW, START, THREAD, Story

ROOT = Path(__file__).parents[2]
REPO = '[repos."acme/shop"]'
TARGET = '{ deployer = "command", argv = ["true"] }'
GOOD = (
    f'{REPO}\nchannel = "C01DEPLOYS"\napprovers = ["U02BOB"]\npeople = {{ bob = "U02BOB" }}\n'
    f"staging.services.backend = {TARGET}\nproduction.services.backend = {TARGET}\n"
)


def deploybot(
    folder: Path, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder, in a process of its own."""
    return forks.run("app.cli", arguments, {"PATH": "/usr/bin:/bin", **variables}, folder)


def test_it_starts_in_an_environment_that_has_nothing(tmp_path: Path) -> None:
    """What the others fork starts like this."""
    argv = [sys.executable, "-m", "app.cli", "threads", "list"]
    environ = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("There is no configuration file 'deploybot.toml'.")
    assert done.stdout == ""


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


def test_without_a_configuration_file_it_says_so_in_one_line(tmp_path: Path) -> None:
    done = deploybot(tmp_path, "threads", "list")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no configuration file 'deploybot.toml'.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["threads", "list"], ["threads", "show", "a"], ["audit", "a"]])
def test_what_only_looks_makes_no_store(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "deploybot.toml").write_text(GOOD)
    done = deploybot(tmp_path, *command)
    assert done.returncode == 2
    assert done.stderr.startswith("There is no store in '.deploybot/redis': run this in the folder")
    assert [path.name for path in tmp_path.iterdir()] == ["deploybot.toml"]


def test_it_says_which_version_it_is(tmp_path: Path) -> None:
    assert re.fullmatch(r"deploybot \d+\.\d+\.\d+\n", deploybot(tmp_path, "--version").stdout)


@pytest.mark.parametrize("command", ["serve", "doctor"])
@pytest.mark.parametrize("content", ["repos = [", None])
def test_a_wrong_environment_and_a_wrong_file_are_said_together(
    tmp_path: Path, command: str, content: str | None
) -> None:
    if content:
        (tmp_path / "deploybot.toml").write_text(content)
    done = deploybot(tmp_path, command, PORT="http", DEPLOYBOT_LEASE_SECONDS="-1")
    for said in (
        "PORT: has to be a whole number",
        "DEPLOYBOT_LEASE_SECONDS: has to be more than 0",
        "SLACK_BOT_TOKEN: not set",
        "not valid TOML" if content else "There is no configuration file",
    ):
        assert said in done.stderr + done.stdout
    assert done.returncode == (1 if command == "doctor" else 2)


def test_serve_refuses_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "deploybot.toml").write_text(f'{REPO}\nchannel = "deploys"\nthaw = true\n')
    done = deploybot(tmp_path, "serve")
    assert done.returncode == 2
    for said in ("SLACK_BOT_TOKEN: not set", ".channel: 'deploys'", ".thaw: unknown key"):
        assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_lists_every_problem(tmp_path: Path) -> None:
    (tmp_path / "deploybot.toml").write_text(f'{REPO}\nchannel = "deploys"\nthaw = true\n')
    done = deploybot(tmp_path, "doctor")
    assert done.returncode == 1
    for said in (
        'WRONG  configuration: repos."acme/shop".channel: ',
        'WRONG  configuration: repos."acme/shop".thaw: unknown key',
        'WRONG  configuration: repos."acme/shop".approvers: missing',
        "WRONG  SLACK_BOT_TOKEN: not set",
        "   ok  Redis: answers (embedded)",
        "    ?  GitHub: no credentials",
        "    ?  model: none, the offline planner decides",
    ):
        assert said in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_paths_are_refused_where_nobody_can_see_files(tmp_path: Path, command: str) -> None:
    own = TARGET.replace(" }", ', paths = ["api/**"] }')
    content = GOOD.replace(
        f"production.services.backend = {TARGET}", f"production.services.backend = {own}"
    )
    (tmp_path / "deploybot.toml").write_text(content)
    secrets = {"SLACK_BOT_TOKEN": "x", "SLACK_SIGNING_SECRET": "x", "GITHUB_WEBHOOK_SECRET": "x"}
    done = deploybot(tmp_path, command, **secrets)
    assert done.returncode == (1 if command == "doctor" else 2)
    said = "services.backend.paths: needs GITHUB_TOKEN or an App, to see which files"
    assert said in done.stdout + done.stderr


def test_doctor_says_who_can_never_approve(tmp_path: Path) -> None:
    (tmp_path / "deploybot.toml").write_text(
        f'{REPO}\nchannel = "C01DEPLOYS"\napprovers = []\n'
        f"staging.services.backend = {TARGET}\n"
        f"production.services.frontend = {TARGET}\n"
        'production.services.backend = { deployer = "command", argv = ["true"], '
        'approvers = ["U02BOB"], approvals_needed = 2 }\n'
    )
    done = deploybot(tmp_path, "doctor")
    assert "WRONG  acme/shop: nobody can approve frontend in production" in done.stdout
    assert "WRONG  acme/shop: backend needs 2 approvals, and has 1 approver\n" in done.stdout


def test_doctor_goes_on_with_a_wrong_variable(tmp_path: Path) -> None:
    (tmp_path / "deploybot.toml").write_text(GOOD)
    done = deploybot(tmp_path, "doctor", PORT="http", REDIS_URL="localhost:6379")
    assert done.returncode == 1
    for said in (
        "WRONG  PORT: ",
        "WRONG  REDIS_URL: has to begin with",
        "   ok  configuration: 1 repository\n",
        "WRONG  GITHUB_WEBHOOK_SECRET: not set",
        "    ?  model: none",
    ):
        assert said in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_could_not_check_what_cannot_be_reached(tmp_path: Path) -> None:
    (tmp_path / "deploybot.toml").write_text(GOOD)
    nobody = f"http://127.0.0.1:{free_port()}"
    done = deploybot(
        tmp_path,
        "doctor",
        GITHUB_TOKEN="t",
        GITHUB_API_URL=nobody,
        OPENAI_API_KEY="k",
        OPENAI_BASE_URL=nobody,
    )
    assert "    ?  acme/shop: could not check: GitHub cannot be reached." in done.stdout
    assert "    ?  model: could not check: the model's server could not be reached" in done.stdout


def test_the_manifest_names_the_address_that_was_given(tmp_path: Path) -> None:
    done = deploybot(tmp_path, "manifest", "--url", "https://bot.example/")
    settings = json.loads(done.stdout)["settings"]
    assert settings["event_subscriptions"]["request_url"] == "https://bot.example/slack/events"
    assert settings["interactivity"]["request_url"] == "https://bot.example/slack/events"


@pytest.mark.parametrize(
    "address",
    ["ftp://bot.example", "bot.example", "https://", "https:///x", "http://[", "http://b:port", ""],
)
def test_a_manifest_needs_an_address_on_the_web(tmp_path: Path, address: str) -> None:
    done = deploybot(tmp_path, "manifest", "--url", address)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--url has to be the service's public address, like https://")
    assert done.stderr.count("\n") == 1


def test_eval_without_a_key_names_the_offline_planner(tmp_path: Path) -> None:
    done = deploybot(tmp_path, "eval")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("OPENAI_API_KEY is not set")
    assert "--offline" in done.stderr


async def listed(folder: Path, story: Story) -> str:
    """Return what `threads list` prints of one thread."""
    (folder / "deploybot.toml").write_text(GOOD)
    store = folder / ".deploybot" / "redis"
    log = RedisLog(connect(await start_embedded(store)))
    await log.append(Write(THREAD, [entry.event for entry in story.entries]))
    await log.close()
    done = await asyncio.to_thread(deploybot, folder, "threads", "list")
    await stop_embedded(store)
    return done.stdout


def _failed() -> Story:
    story = Story().merged().starts("s1").ends("s1", "failed", "exit <1>")
    return story.then(ev.StagingEnded(sha=NEW, passed=False, summary="deploy failed: exit <1>"))


@pytest.mark.parametrize(
    ("story", "said"),
    [
        (Story().merged().staged().asks(), "production 🔔 waiting for approval: deploy backend"),
        (_failed(), "staging ❌ failed: deploy failed: exit <1>"),
        (
            Story().merged().staged().asks().then(ev.StopRequested(user=BOB)),
            "production ⏹ stopped by bob · say `continue`",
        ),
        (
            Story()
            .merged()
            .staged()
            .ships()
            .then(
                ev.PlanEnded(call_id="d", message="Done."),
                ev.VerificationEnded(passed=True, versions={}),
            ),
            "production ✅ done and tested",
        ),
        (
            Story()
            .merged()
            .staged()
            .then(ev.WaitStarted(call_id="w", until=START, reason="lunch <soon>")),
            "production ⏲ waiting until 2027-01-15 08:00 UTC: lunch <soon>",
        ),
    ],
    ids=["card", "failed", "stopped", "done", "waits"],
)
async def test_threads_are_listed_in_plain_words(tmp_path: Path, story: Story, said: str) -> None:
    [line] = (await listed(tmp_path, story)).splitlines()
    assert line.startswith(f"{THREAD}  2")
    assert "  4af9ec0  #12 Add gift cards: " in line
    assert said in line
    assert not re.search(r"<[@#!]|&lt;|\^", line)


async def test_a_thread_that_only_asked_is_listed_by_its_question(tmp_path: Path) -> None:
    said = ev.HumanSaid(user=BOB, text="what is &lt;b&gt;\nrunning?")
    story = Story().mentioned().then(said, ev.BotSaid(call_id="r", text="It.", because="reply"))
    [line] = (await listed(tmp_path, story)).splitlines()
    assert line.endswith("  answered bob: “what is <b> running?”")


def test_it_ends_quietly_when_its_reader_goes_away(tmp_path: Path) -> None:
    """Like `deploybot manifest | head -0`."""
    reads, writes = os.pipe()
    os.close(reads)
    argv = [sys.executable, "-m", "app.cli", "manifest", "--url", "https://deploys.example.com"]
    environ = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        argv, cwd=tmp_path, env=environ, stdout=writes, stderr=subprocess.PIPE, text=True
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


async def test_a_thread_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    await listed(tmp_path, Story().merged())
    done = deploybot(tmp_path, "threads", "show", "acme/shop/9999999999")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no thread 'acme/shop/9999999999'.")
