"""The `command` deployer with real small programs."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.events import Attempt
from app.core.ports import Observation
from app.core.spec import Environment
from tests.waiting import until
from tools.deployers import DEPLOYERS
from tools.deployers.command import CommandDeployer

SHA = "4af9ec0" + "0" * 33
PLACE: tuple[str, str, Environment] = ("acme/shop", "backend", "production")
SHORT_PATH = {"PATH": "/usr/bin:/bin"}  # one of many folders takes more than a line
ENVIRON = {**os.environ, **SHORT_PATH, "API_TOKEN": "s3cret-value", "NOT_LISTED": "hidden"}


def deployer(home: Path, host: str = "here", *, sole: bool = True) -> CommandDeployer:
    return CommandDeployer(home / "home", root=home, environ=ENVIRON, host=host, sole=sole)


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def attempt(home: Path, argv: list[str], attempt_id: str = "a1b2c3d4", **options: Any) -> Attempt:
    arguments = deployer(home).arguments({"argv": argv, **options}, "backend", "production", SHA)
    return Attempt(
        attempt_id=attempt_id,
        kind="deploy",
        repo="acme/shop",
        environment="production",
        service="backend",
        sha=SHA,
        deployer="command",
        arguments=json.loads(json.dumps(arguments)),
    )


def folder(home: Path, made: Attempt) -> Path:
    return home / "home" / "attempts" / made.attempt_id


async def ended(target: CommandDeployer, made: Attempt, reference: str = "") -> Observation:
    async def over() -> bool:
        return (await target.observe(made, reference)).status != "running"

    await until(over)
    return await target.observe(made, reference)


async def run(home: Path, argv: list[str], **options: Any) -> Observation:
    target, made = deployer(home), attempt(home, argv, **options)
    return await ended(target, made, await target.start(made))


async def begun(home: Path, made: Attempt) -> None:
    await until(lambda: (folder(home, made) / "pid").exists())


def waits_for(path: Path) -> str:
    return (
        f"import os,time\nprint('waiting', flush=True)\n"
        f"while not os.path.exists({str(path)!r}): time.sleep(0.01)\nprint('done')"
    )


def kill_runner(home: Path, made: Attempt) -> None:
    started = json.loads((folder(home, made) / "started.json").read_text())
    os.kill(started["runner"], signal.SIGKILL)


def test_the_registry_names_it() -> None:
    assert DEPLOYERS["command"] is CommandDeployer


async def test_exit_code_zero_is_success_with_its_output(tmp_path: Path) -> None:
    seen = await run(tmp_path, python("print('one'); print('two')"))
    assert (seen.status, seen.summary) == ("succeeded", "in 1 s")
    assert (seen.line, seen.tail) == ("two", ("one", "two"))


async def test_another_exit_code_is_a_failure_that_names_it(tmp_path: Path) -> None:
    seen = await run(tmp_path, python("raise SystemExit(3)"))
    assert (seen.status, seen.summary) == ("failed", "exit code 3")


async def test_a_killed_program_is_a_failure_that_names_the_signal(tmp_path: Path) -> None:
    seen = await run(tmp_path, python("import os; os.kill(os.getpid(), 9)"))
    assert (seen.status, seen.summary) == ("failed", "ended by SIGKILL")


async def test_a_program_that_cannot_be_started_is_a_failure(tmp_path: Path) -> None:
    seen = await run(tmp_path, ["./missing.sh"])
    assert seen.status == "failed"
    assert seen.summary == "could not be started: No such file or directory"


async def test_it_is_running_until_it_ends(tmp_path: Path) -> None:
    target, made = deployer(tmp_path), attempt(tmp_path, python(waits_for(tmp_path / "go")))
    reference = await target.start(made)
    assert reference == f"here:{made.attempt_id}"
    await until(lambda: (folder(tmp_path, made) / "log").exists())
    assert (await target.observe(made, reference)).status == "running"
    (tmp_path / "go").touch()
    assert (await ended(target, made)).line == "done"


async def test_its_time_limit_ends_the_program_and_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess,sys,time\n"
        "c = subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)'])\n"
        "print(c.pid, flush=True)\ntime.sleep(60)"
    )
    seen = await run(tmp_path, python(code), timeout="1s")
    assert (seen.status, seen.summary) == ("failed", "ended by the time limit")
    await until(lambda: is_gone(int(seen.line)))


def is_gone(pid: int) -> bool:
    try:
        # A killed orphan may stay as a zombie where process 1 does not collect it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return False
        return True


async def test_cancel_ends_the_program(tmp_path: Path) -> None:
    target, made = deployer(tmp_path), attempt(tmp_path, python(waits_for(tmp_path / "never")))
    reference = await target.start(made)
    await begun(tmp_path, made)
    assert await target.cancel(made, reference)
    seen = await ended(target, made, reference)
    assert (seen.status, seen.summary) == ("cancelled", "cancelled")


async def test_what_has_ended_cannot_be_cancelled(tmp_path: Path) -> None:
    target, made = deployer(tmp_path), attempt(tmp_path, python("pass"))
    reference = await target.start(made)
    await ended(target, made, reference)
    assert not await target.cancel(made, reference)


async def test_starting_twice_has_one_effect(tmp_path: Path) -> None:
    code = "import sys; open(sys.argv[1], 'a').write('x')"
    made = attempt(tmp_path, python(code, str(tmp_path / "effect")))
    first, second = deployer(tmp_path), deployer(tmp_path)
    assert len(set(await asyncio.gather(*(d.start(made) for d in [first, second] * 4)))) == 1
    await ended(first, made)
    await second.start(made)
    assert (await ended(second, made)).status == "succeeded"
    assert (tmp_path / "effect").read_text() == "x"


async def test_the_program_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    made = attempt(tmp_path, python(waits_for(tmp_path / "go")))
    starter = (
        "import asyncio,sys,time\nfrom pathlib import Path\n"
        "from app.core.events import Attempt\nfrom tools.deployers.command import CommandDeployer\n"
        "home = Path(sys.argv[1])\n"
        "d = CommandDeployer(home / 'home', root=home, environ={}, host='here', sole=True)\n"
        "asyncio.run(d.start(Attempt.model_validate_json(sys.argv[2])))\ntime.sleep(60)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", starter, str(tmp_path), made.model_dump_json()),
        start_new_session=True,
    )
    try:
        await begun(tmp_path, made)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    target = deployer(tmp_path)
    assert (await target.observe(made, "")).status == "running"
    (tmp_path / "go").touch()
    assert (await ended(target, made)).status == "succeeded"


async def test_a_runner_that_died_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    target, made = deployer(tmp_path), attempt(tmp_path, python(waits_for(tmp_path / "go")))
    reference = await target.start(made)
    await begun(tmp_path, made)
    kill_runner(tmp_path, made)
    seen = await ended(target, made, reference)
    assert seen.status == "unknown"
    assert "runner on here died" in seen.summary
    (tmp_path / "go").touch()


async def test_what_may_have_run_is_never_started_again(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'effect')!r}, 'a').write('x')\n" + waits_for(tmp_path / "go")
    target, made = deployer(tmp_path), attempt(tmp_path, python(code))
    await target.start(made)
    await until(lambda: (tmp_path / "effect").exists() and (tmp_path / "effect").read_text())
    kill_runner(tmp_path, made)
    await ended(target, made)
    await target.start(made)
    assert (await target.observe(made, "")).status == "unknown"
    assert (tmp_path / "effect").read_text() == "x"
    (tmp_path / "go").touch()


@pytest.mark.parametrize("files", [[], ["lock"], ["lock", "attempt.json"]])
async def test_a_crash_before_the_program_is_missing_and_can_be_started(
    tmp_path: Path, files: list[str]
) -> None:
    target, made = deployer(tmp_path), attempt(tmp_path, python("print('ran')"))
    folder(tmp_path, made).mkdir(parents=True)
    for name in files:
        (folder(tmp_path, made) / name).write_text('{"host": "here"}')
    assert (await target.observe(made, "")).status == "missing"
    assert (await ended(target, made, await target.start(made))).line == "ran"


async def test_without_a_folder_the_only_host_knows_that_it_never_began(tmp_path: Path) -> None:
    target = deployer(tmp_path)
    assert target.recovery({}) == "keyed"
    assert (await target.observe(attempt(tmp_path, ["true"]), "")).status == "missing"


async def test_without_a_folder_one_of_several_hosts_knows_nothing(tmp_path: Path) -> None:
    target = deployer(tmp_path, sole=False)
    seen = await target.observe(attempt(tmp_path, ["true"]), "")
    assert target.recovery({}) == "queryable"
    assert (seen.status, seen.summary) == ("unknown", "here knows nothing of it, another host may")


async def test_another_host_says_who_knows(tmp_path: Path) -> None:
    made = attempt(tmp_path, ["true"])
    seen = await deployer(tmp_path, host="there").observe(made, f"here:{made.attempt_id}")
    assert (seen.status, seen.summary) == ("unknown", "it runs on here, and this is there")


async def test_a_folder_that_was_removed_is_unknown(tmp_path: Path) -> None:
    made = attempt(tmp_path, ["true"])
    seen = await deployer(tmp_path).observe(made, f"here:{made.attempt_id}")
    assert (seen.status, seen.summary) == ("unknown", "its folder on here is gone")


async def test_another_host_on_a_shared_folder_neither_starts_nor_cancels(tmp_path: Path) -> None:
    target, made = deployer(tmp_path), attempt(tmp_path, python(waits_for(tmp_path / "go")))
    reference = await target.start(made)
    other = deployer(tmp_path, host="there")
    assert await other.start(made) == reference
    assert not await other.cancel(made, reference)
    assert (await other.observe(made, reference)).status == "unknown"
    (tmp_path / "go").touch()
    await ended(target, made, reference)


async def test_arguments_stay_one_argument_whatever_they_hold(tmp_path: Path) -> None:
    strange = ["; touch x", "$(id)", "-rf", "--", "a b", "`id`", "*", "\n", ""]
    argv = python("import sys,json; print(json.dumps(sys.argv[1:]))", *strange, "{sha}")
    assert json.loads((await run(tmp_path, argv)).line) == [*strange, SHA]


async def test_the_attempts_folder_is_filled_in_at_the_start(tmp_path: Path) -> None:
    argv = python("import sys; print(*sys.argv[1:])", "{attempt_dir}", "{service}", "{environment}")
    made = attempt(tmp_path, argv)
    assert made.arguments["argv"][-3:] == ["{attempt_dir}", "backend", "production"]
    seen = await run(tmp_path, argv)
    assert seen.line == f"{folder(tmp_path, made)} backend production"


async def test_the_environment_is_clean(tmp_path: Path) -> None:
    names = (await run(tmp_path, ["/usr/bin/env"], env=["API_TOKEN"])).tail
    seen = {line.partition("=")[0] for line in names}
    ours = {"ATTEMPT_ID", "ATTEMPT_DIR", "KIND", "REPO", "ENVIRONMENT", "SHA", "SERVICE"}
    allowed = {"PATH", "HOME", "LANG", "LC_CTYPE", "API_TOKEN"}
    assert {f"DEPLOYBOT_{name}" for name in ours} <= seen
    assert seen - {f"DEPLOYBOT_{name}" for name in ours} <= allowed


async def test_values_of_listed_variables_never_show(tmp_path: Path) -> None:
    code = "import os; t = os.environ['API_TOKEN']; print('x' * 500 + t[:3] + '\\x1b[1m' + t[3:])"
    seen = await run(tmp_path, python(code), env=["API_TOKEN"])
    assert "s3cret" not in str(seen)
    assert seen.line.endswith("[redacted]")
    assert not any("s3cret" in p.read_text() for p in (tmp_path / "home").rglob("*.json"))


async def test_huge_output_shows_its_last_lines(tmp_path: Path) -> None:
    seen = await run(tmp_path, python("for n in range(200000): print(n, 'y' * 40)"))
    assert len(seen.tail) == 20
    assert seen.line.startswith("199999 ")


async def test_long_and_strange_lines_are_made_plain(tmp_path: Path) -> None:
    lines = r"b'\x1b[31mred\x1b[0m\n10%\r50%\r\xffx\x00\xe2\x80\xae\n' + b'z' * 100000"
    seen = await run(tmp_path, python(f"import sys; sys.stdout.buffer.write({lines})"))
    assert len(seen.line) == 300
    short = await run(
        tmp_path,
        python(f"import sys; sys.stdout.buffer.write(({lines})[:40])"),
        attempt_id="ffffffff",
    )
    assert short.tail[:2] == ("red", "�x")


JUNIT = """<testsuite><testcase classname="shop" name="pays"><failure/></testcase>
<testcase name="loads"/><testcase name="logs in"><error/></testcase></testsuite>"""
WRITES = (
    "import os,sys; open(os.environ['DEPLOYBOT_ATTEMPT_DIR'] + '/r.xml', 'w').write(sys.argv[1]); "
)


async def test_failing_tests_come_from_the_junit_file(tmp_path: Path) -> None:
    argv = python(WRITES + "sys.exit(1)", JUNIT)
    assert (await run(tmp_path, argv, junit="r.xml")).failing_tests == ("shop.pays", "logs in")


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE s [<!ENTITY e "boom">]><s><testcase name="&e;"><failure/></testcase></s>',
        "no xml",
        "",
        '<?xml version="1.0" encoding="nonsense"?><testsuite/>',
    ],
)
async def test_a_strange_junit_file_names_nothing(tmp_path: Path, document: str) -> None:
    seen = await run(tmp_path, python(WRITES + "sys.exit(1)", document), junit="r.xml")
    assert (seen.status, seen.failing_tests) == ("failed", ())


async def test_many_and_long_failing_tests_are_cut(tmp_path: Path) -> None:
    case = '<testcase name="{n}{long}"><failure/></testcase>'
    cases = "".join(case.format(n=n, long="t" * 200) for n in range(99))
    argv = python(WRITES + "sys.exit(1)", f"<s>{cases}</s>")
    names = (await run(tmp_path, argv, junit="r.xml")).failing_tests
    assert len(names) == 50
    assert all(len(name) == 120 for name in names)


async def test_current_is_the_full_sha_that_the_program_prints(tmp_path: Path) -> None:
    options = {"argv": ["true"], "current": python(f"print('{SHA}')")}
    assert await deployer(tmp_path).current(options, *PLACE) == SHA


@pytest.mark.parametrize(
    "code", ["print('4af9ec0')", "raise SystemExit(1)", "print('v1.2')", "print('a' * 10**6)"]
)
async def test_anything_else_is_no_current(tmp_path: Path, code: str) -> None:
    options = {"argv": ["true"], "current": python(code)}
    assert await deployer(tmp_path).current(options, *PLACE) is None


@pytest.mark.parametrize("options", [{}, {"current": ["./missing"]}])
async def test_without_a_program_there_is_no_current(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    assert await deployer(tmp_path).current({"argv": ["true"], **options}, *PLACE) is None


@pytest.mark.parametrize("sha", ["4af9ec0", SHA.upper(), "--help", SHA + "\n", ""])
def test_only_a_full_sha_becomes_an_argument(tmp_path: Path, sha: str) -> None:
    with pytest.raises(ValueError, match="no full SHA"):
        deployer(tmp_path).arguments({"argv": ["true", "{sha}"]}, "backend", "staging", sha)


def test_a_report_that_is_not_configured_is_no_argument(tmp_path: Path) -> None:
    arguments = deployer(tmp_path).arguments({"argv": ["true"]}, None, "staging", SHA)
    assert set(arguments) == {"argv", "cwd", "env", "timeout"}


def test_the_arguments_are_exact(tmp_path: Path) -> None:
    options = {"argv": ["./d", "{sha}"], "env": ["A"], "timeout": "10m", "junit": "r.xml"}
    assert deployer(tmp_path).arguments(options, None, "staging", SHA) == {
        "argv": ["./d", SHA],
        "cwd": ".",
        "env": ["A"],
        "timeout": 600,
        "junit": "r.xml",
    }


@pytest.mark.parametrize(
    ("options", "key", "says"),
    [
        ({}, "argv", "missing"),
        ({"argv": []}, "argv", "empty"),
        ({"argv": ["no-such-program"]}, "argv", "no program 'no-such-program'"),
        ({"argv": ["./no.sh"]}, "argv", "no program './no.sh'"),
        ({"argv": ["true", "--sha={sha}"]}, "argv.1", "'--sha={sha}' is no placeholder"),
        ({"argv": ["true", "{tag}"]}, "argv.1", "'{tag}' is no placeholder"),
        ({"argv": ["{sha}"]}, "argv", "must name the program"),
        ({"argv": ["true", "{service}"]}, "argv", "no {service}"),
        ({"argv": ["true"], "current": ["true", "{sha}"]}, "current.1", "has no placeholders"),
        ({"argv": ["true"], "current": ["no-such"]}, "current", "no program 'no-such'"),
        ({"argv": ["true"], "cwd": "nowhere"}, "cwd", "no folder 'nowhere'"),
        ({"argv": ["true"], "timeout": "10"}, "timeout", "no duration"),
        ({"argv": ["true"], "timeout": "25h"}, "timeout", "longer than 24h"),
        ({"argv": ["true"], "env": ["A=B"]}, "env.0", "'A=B'"),
        ({"argv": ["true"], "env": ["DEPLOYBOT_SHA"]}, "env.0", "'DEPLOYBOT_SHA'"),
        ({"argv": ["true"], "junit": "../r.xml"}, "junit", "below the attempt's folder"),
        ({"argv": ["true"], "shell": True}, "shell", "unknown key"),
    ],
)
def test_every_problem_of_the_options_is_named(
    tmp_path: Path, options: dict[str, Any], key: str, says: str
) -> None:
    [(found_key, sentence)] = deployer(tmp_path).problems(options, None, "staging")
    assert found_key == key
    assert says in sentence


def test_good_options_have_no_problems(tmp_path: Path) -> None:
    program = tmp_path / "scripts" / "d.sh"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    options = {"argv": ["./d.sh", "{service}", "{attempt_dir}"], "cwd": "scripts", "timeout": "1h"}
    assert deployer(tmp_path).problems(options, "backend", "staging") == []


async def test_what_looks_like_a_credential_never_shows(tmp_path: Path) -> None:
    seen = await run(tmp_path, python("print('eyJ' * 20000 + ' ghp_' + 'a' * 36)"))
    assert seen.line.endswith("[secret]")
