"""The shop that is deployed here, as a configuration and as a file of one; and its secrets."""

import json
from collections.abc import Sequence
from pathlib import Path

from app.core.config import EnvironmentConfig, TargetConfig
from tests.shop import BOB, CARA, REPO, repo_config

SERVICES = ("api", "backend", "docs", "frontend", "search")
CHANNEL = "C01DEPLOYS"
SLACK_SECRET = "signing-secret"
GITHUB_SECRET = "webhook-secret"

_target = TargetConfig(deployer="target", options={})
_environment = EnvironmentConfig(services=dict.fromkeys(SERVICES, _target))
CONFIG = repo_config(staging=_environment, production=_environment, people={})


def write_config(path: Path, argv: Sequence[str]) -> None:
    """Write a configuration whose one service is deployed by a program; staging does nothing."""
    commands = {"staging": ["true"], "production": list(argv)}
    lines = [f'[repos."{REPO}"]', f'channel = "{CHANNEL}"', f'approvers = ["{BOB}", "{CARA}"]']
    for environment, command in commands.items():
        lines += [
            f'[repos."{REPO}".{environment}.services.frontend]',
            'deployer = "command"',
            f"argv = {json.dumps(command)}",
        ]
    path.write_text("\n".join(lines) + "\n")
