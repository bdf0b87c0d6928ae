"""Deploys by running a program on this host; knows attempts' folders, not what programs do."""

import asyncio
import fcntl
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from app.core.errors import NotStarted
from app.core.events import Attempt
from app.core.ports import Observation
from app.core.spec import Environment
from tools.deployers import command_options, command_outcome, command_run, output
from tools.deployers.command_current import ask
from tools.deployers.command_options import DEFAULT_PATH, Options

_LAUNCH_SECONDS = 5.0
_SHA = re.compile(r"[0-9a-f]{40}")
_ATTEMPT_ID = re.compile(r"[0-9a-f]{8,64}")
_SERVICE = re.compile(r"[a-z][a-z0-9_]*")


class _Arguments(BaseModel):
    """What `arguments` returned, read again from the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    argv: tuple[str, ...]
    cwd: str
    env: tuple[str, ...]
    timeout: int
    junit: str | None = None


class CommandDeployer:
    """Run programs, detached from the service, each attempt in its own folder below `home`.

    The states of an attempt on its host, told by its folder (the files are in `command_run`):

    - no folder: never started here;
    - made: no `started.json` and nobody holds the lock: a crash before the program, so `start` may
      launch it (again);
    - running: the runner holds the lock, also before `started.json`;
    - ended: there is an `end.json`;
    - died: `started.json`, no `end.json`, nobody holds the lock: it cannot be known what happened.

    `sole` says that no other host works on the same log, which an embedded store guarantees. Only
    then does the absence of a folder prove that an attempt never began, so only then is this keyed;
    with several hosts it is queryable, and an attempt without a folder here is unknown.
    """

    Options = Options

    def __init__(
        self,
        home: Path,
        *,
        root: Path,
        environ: Mapping[str, str],
        host: str,
        sole: bool,
        **_others: object,
    ) -> None:
        self._attempts = home.absolute() / "attempts"
        self._root = root.absolute()
        self._environ = environ
        self._host = host
        self._sole = sole

    def recovery(self, arguments: Mapping[str, Any]) -> Literal["keyed", "queryable", "blind"]:
        """Return `keyed` where no other host can have the attempt, else `queryable`."""
        return "keyed" if self._sole else "queryable"

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        """Return what is wrong with a target's options: the key and a sentence each."""
        path = self._environ.get("PATH", DEFAULT_PATH)
        return command_options.problems(options, self._root, path, service)

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        """Return the program's exact arguments; only `{attempt_dir}` is filled in by `start`."""
        if not _SHA.fullmatch(sha):
            raise ValueError(f"{sha!r} is no full SHA")
        if service is not None and not _SERVICE.fullmatch(service):
            raise ValueError(f"{service!r} is no service")
        parsed = Options.model_validate(options)
        if service is None and "{service}" in parsed.argv:
            raise ValueError("e2e tests have no {service}")
        filled = {"{sha}": sha, "{service}": service or "", "{environment}": environment}
        report = {"junit": parsed.junit} if parsed.junit else {}
        return {
            "argv": [filled.get(argument, argument) for argument in parsed.argv],
            "cwd": parsed.cwd,
            "env": list(parsed.env),
            "timeout": command_options.seconds(parsed.timeout),
            **report,
        }

    async def start(self, attempt: Attempt) -> str:
        """Start the program unless this attempt began before; return "<host>:<attempt id>".

        After any exception the program was not started; `observe` then says `missing`.
        """
        try:
            return await asyncio.to_thread(self._start, attempt)
        except OSError as error:
            raise NotStarted(f"it could not be started: {error}") from error

    def _start(self, attempt: Attempt) -> str:
        folder = self._folder(attempt)
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = self._take(folder)
        if lock is not None:
            try:
                if self._host_of(folder) == self._host and not _began(folder):
                    self._launch(attempt, folder, lock)
            finally:
                os.close(lock)
        return f"{self._host_of(folder)}:{attempt.attempt_id}"

    def _take(self, folder: Path) -> int | None:
        """Lock the folder; None if a runner has it, or may have it."""
        deadline = time.monotonic() + _LAUNCH_SECONDS
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Somebody may only be looking (`_alive`), which is over in no time.
                if _began(folder) or time.monotonic() > deadline:
                    os.close(lock)
                    return None
                time.sleep(0.01)
            else:
                return lock

    def _launch(self, attempt: Attempt, folder: Path, lock: int) -> None:
        arguments = _Arguments.model_validate(attempt.arguments)
        cwd = self._root / arguments.cwd
        environment = self._environment(arguments.env) | _variables(attempt, folder)
        argv = [str(folder) if a == "{attempt_dir}" else a for a in arguments.argv]
        program = command_options.find_program(argv[0], cwd, environment.get("PATH", DEFAULT_PATH))
        command_run.write_once(
            folder / "attempt.json",
            {
                "host": self._host,
                "argv": [program or argv[0], *argv[1:]],
                "cwd": str(cwd),
                "timeout": arguments.timeout,
            },
        )
        # The runner shares our lock, so there is no moment in which nobody holds it. It leaves
        # this child behind at once: what is waited for here is only its launch.
        with (folder / "runner.log").open("ab") as log:
            subprocess.run(
                [sys.executable, "-I", "-S", command_run.__file__, str(folder), str(lock)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
                check=False,  # what came of it is for `observe` to say
            )

    def _environment(self, names: tuple[str, ...]) -> dict[str, str]:
        passed = ("PATH", "HOME", "LANG", *names)
        return {name: self._environ[name] for name in passed if name in self._environ}

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        """Say what this host knows of the attempt; `unknown` names the host that may know more."""
        return await asyncio.to_thread(self._observe, attempt, reference)

    def _observe(self, attempt: Attempt, reference: str) -> Observation:
        folder = self._folder(attempt)
        if not folder.is_dir():
            return self._absent(reference)
        # Looked at in this order, because the end is written before the lock is given back.
        alive, end = self._alive(folder), _read(folder / "end.json")
        arguments = _Arguments.model_validate(attempt.arguments)
        secrets = [self._environ.get(name, "") for name in arguments.env]
        tail = output.tail(folder / "log", secrets, ended=not alive or bool(end))
        line = tail[-1] if tail else ""
        if end:
            status, summary = command_outcome.outcome(end)
            tests: tuple[str, ...] = ()
            if arguments.junit and status == "failed":
                tests = output.failing_tests(folder / arguments.junit, secrets)
            return Observation(status, summary, line, tail, tests, end.get("seconds"))
        host = self._host_of(folder)
        if host != self._host:
            return Observation("unknown", f"only the host {host} can say how it goes", line, tail)
        if alive:
            return Observation("running", "", line, tail)
        if _began(folder):
            summary = f"its runner on {host} died, so nobody knows how the program ended"
            return Observation("unknown", summary, line, tail)
        return Observation("missing", "the program was never started")

    def _absent(self, reference: str) -> Observation:
        host = reference.rpartition(":")[0]
        if host == self._host:
            return Observation("unknown", f"its folder on {host} is gone")
        if host:
            return Observation("unknown", f"it runs on {host}, and this is {self._host}")
        if self._sole:
            return Observation("missing", "the program was never started")
        return Observation("unknown", f"{self._host} knows nothing of it, another host may")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        """Ask the runner to end the program and all it started; False if it is not running here."""
        return await asyncio.to_thread(self._cancel, attempt)

    def _cancel(self, attempt: Attempt) -> bool:
        folder = self._folder(attempt)
        if not folder.is_dir() or self._host_of(folder) != self._host:
            return False
        if not self._alive(folder) or (folder / "end.json").exists():
            return False
        (folder / "cancel").touch()
        return True

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        """Return the full SHA that the target's `current` program prints, None if it does not."""
        parsed = Options.model_validate(options)
        if parsed.current is None:
            return None
        cwd, variables = self._root / parsed.cwd, self._environment(parsed.env)
        return await asyncio.to_thread(ask, parsed.current, cwd, variables)

    def _folder(self, attempt: Attempt) -> Path:
        if not _ATTEMPT_ID.fullmatch(attempt.attempt_id):
            raise ValueError(f"{attempt.attempt_id!r} is no attempt id")
        return self._attempts / attempt.attempt_id

    def _host_of(self, folder: Path) -> str:
        made = _read(folder / "attempt.json")
        return str(made["host"]) if made else self._host

    def _alive(self, folder: Path) -> bool:
        try:
            lock = os.open(folder / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False


def _variables(attempt: Attempt, folder: Path) -> dict[str, str]:
    variables = {
        "DEPLOYBOT_ATTEMPT_ID": attempt.attempt_id,
        "DEPLOYBOT_ATTEMPT_DIR": str(folder),
        "DEPLOYBOT_KIND": attempt.kind,
        "DEPLOYBOT_REPO": attempt.repo,
        "DEPLOYBOT_ENVIRONMENT": attempt.environment,
        "DEPLOYBOT_SHA": attempt.sha,
    }
    return variables | ({"DEPLOYBOT_SERVICE": attempt.service} if attempt.service else {})


def _began(folder: Path) -> bool:
    return (folder / "started.json").exists() or (folder / "end.json").exists()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
