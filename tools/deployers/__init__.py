"""What acts on the world, with credentials; one file each, and one line here."""

from collections.abc import Callable, Mapping

from app.core.ports import Deployer
from tools.deployers.command import CommandDeployer
from tools.deployers.github_actions import GitHubActionsDeployer

DEPLOYERS: Mapping[str, Callable[..., Deployer]] = {
    "command": CommandDeployer,
    "github_actions": GitHubActionsDeployer,
}
