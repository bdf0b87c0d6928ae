"""Broken configuration files: every one is refused in words or read, never a fault."""

import contextlib
from pathlib import Path

from app.configuration import load_repos
from app.core.errors import ConfigError, UserError
from tests.adapters.test_cli import ROOT
from tests.fuzz.campaign import Campaign
from tools.deployers.command import CommandDeployer

NESTED = (b"a = " + b"[" * 5000, b"a = " + b"{a = " * 5000, b"[" + b"a." * 5000 + b"a]\n")


def test_configuration_files(tmp_path: Path) -> None:
    genuine = (ROOT / "deploybot.example.toml").read_bytes()
    path = tmp_path / "deploybot.toml"
    deployer = CommandDeployer(tmp_path, root=tmp_path, environ={}, host="here", sole=True)
    with Campaign("configuration") as campaign:
        for case in campaign:
            content = case.data(genuine, 6)
            path.write_bytes(content + case.choice(NESTED) if case.random() < 0.01 else content)
            with contextlib.suppress(ConfigError, UserError):
                assert load_repos(path, {"command": deployer})
