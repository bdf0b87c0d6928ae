"""What acts on the world, with credentials; one file each, and one line here."""

from collections.abc import Callable, Mapping

from app.core.ports import Deployer
from tools.deployers.command import CommandDeployer

DEPLOYERS: Mapping[str, Callable[..., Deployer]] = {
    "command": CommandDeployer,
}
