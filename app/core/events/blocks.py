"""What keeps a service as it is: holds, locks, freezes."""

from typing import Literal

from app.core.events.values import Block, Frozen
from app.core.instant import Instant


class HoldPlaced(Frozen):
    """A service may get nothing until a newer SHA passed staging and an approver releases it."""

    type: Literal["hold_placed"] = "hold_placed"
    service: str
    bad_sha: str


class HoldReleased(Frozen):
    """An approver released the hold of a service."""

    type: Literal["hold_released"] = "hold_released"
    service: str
    user: str


class ServiceLocked(Frozen):
    """A person locked services: nothing begins on them before `until` (None: before an unlock).

    `chosen` says how code chose the hour of an end that was said without one.
    """

    type: Literal["service_locked"] = "service_locked"
    services: tuple[str, ...]
    user: str
    reason: str = ""
    until: Instant | None = None
    chosen: str = ""


class ServiceUnlocked(Frozen):
    """A person ended locks that this thread placed; `by` says in which way."""

    type: Literal["service_unlocked"] = "service_unlocked"
    services: tuple[str, ...]
    user: str
    by: Literal["words", "command line"] = "words"
    reason: str = ""


class BlockWaited(Frozen):
    """An approved action waits for the end of a lock or a freeze."""

    type: Literal["block_waited"] = "block_waited"
    block: Block
