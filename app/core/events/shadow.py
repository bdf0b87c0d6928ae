"""Shadow mode: what the agent would have asked for, and what people did by hand."""

from collections.abc import Mapping
from typing import Literal

from app.core.events.values import Frozen


class ShadowProposed(Frozen):
    """The agent's next step in a thread in which nothing is asked and nothing is done."""

    type: Literal["shadow_proposed"] = "shadow_proposed"
    call_id: str
    service: str
    sha: str
    is_job: bool = False
    reason: str = ""


class ProductionSeen(Frozen):
    """What each service runs in production, as far as its deployer could be asked."""

    type: Literal["production_seen"] = "production_seen"
    versions: Mapping[str, str]
