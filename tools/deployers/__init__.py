"""What acts on the world, with credentials; one file each, and one line here."""

from collections.abc import Mapping

from tools.deployers.command import CommandDeployer

DEPLOYERS: Mapping[str, type[CommandDeployer]] = {
    "command": CommandDeployer,
}
