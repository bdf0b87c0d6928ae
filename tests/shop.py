"""The shop that tests deploy, as it is configured: frontend and backend, with e2e tests."""

from typing import Any

from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig

ALICE, BOB, CARA = "U01ALICE", "U02BOB", "U03CARA"
REPO = "acme/shop"


def repo_config(deployer: str = "command", **changes: Any) -> RepoConfig:
    """Configure the shop; its targets have one deployer and no options."""
    target = TargetConfig(deployer=deployer, options={})
    environment = EnvironmentConfig(e2e=target, services={"frontend": target, "backend": target})
    values: dict[str, Any] = {
        "name": REPO,
        "branch": "main",
        "channel": "C01DEPLOYS",
        "approvers": (BOB, CARA),
        "people": {"alice": ALICE, "bob": BOB},
        "staging": environment,
        "production": environment,
    }
    return RepoConfig(**(values | changes))
