"""Starts programs quickly: it has imported what they need already, and forks when asked to.

A request is one line of JSON on standard input: the module whose `main` is called, its `argv`, and
the `env`, the `output`, the `errors` and the `cwd` of the process, which writes its exit code to
the pipe `end`, if one is named; the answer is a pid. When its input ends, it kills what it started
and ends.
"""

import gc
import importlib
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any

import anyio

from app import cli, serving
from tests.crash import approver, service

READY = (approver, cli, service, serving)
NOWHERE = "http://127.0.0.1:1"
ANYWHERE = {
    "REDIS_URL": "redis://127.0.0.1:1",
    "SLACK_API_URL": NOWHERE,
    "SLACK_BOT_TOKEN": "-",
    "SLACK_SIGNING_SECRET": "-",
    "GITHUB_API_URL": NOWHERE,
    "GITHUB_TOKEN": "-",
    "GITHUB_WEBHOOK_SECRET": "-",
    "OUTSIDE": NOWHERE,
    "RECOVERY": "keyed",
    "SHOP": "plain",
    "FIRED": "-",
}


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    os.environ.update(ANYWHERE)
    service.build()  # for all that is imported only then
    anyio.run(anyio.sleep, 0)
    gc.freeze()
    started: list[int] = []
    for line in sys.stdin:
        pid = _fork(json.loads(line))
        started.append(pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for pid in started:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for stream, path in ((1, request["output"]), (2, request["errors"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    end = os.open(request["end"], os.O_WRONLY) if request["end"] else None
    code = _ran(request["program"], request["argv"])
    if end is not None:
        os.write(end, str(code).encode())
    os._exit(code)


def _ran(program: str, argv: list[str]) -> int:
    """Run a program to its end, as the interpreter does."""
    try:
        return int(importlib.import_module(program).main(argv))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    main()
