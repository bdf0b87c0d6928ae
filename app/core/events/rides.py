"""What a merge and those that it ships, too, tell each other when it does not go out."""

from typing import Literal

from app.core.events.values import Frozen, Pull

How = Literal["stopped", "rejected", "expired", "left out", "goes on"]


class RidersTold(Frozen):
    """The merges that ship with this one are told how it ended, or that it goes on after all.

    `services` did not go out; `user` stopped it or rejected its card. It is done where it only
    left them out.
    """

    type: Literal["riders_told"] = "riders_told"
    how: How
    user: str = ""
    services: tuple[str, ...] = ()


class RideChanged(Frozen):
    """The merge `by` was to ship this one, too, and ended without it, or goes on after all.

    `ships` is how many merges it was to ship, with its own.
    """

    type: Literal["ride_changed"] = "ride_changed"
    by: Pull
    how: How
    user: str = ""
    services: tuple[str, ...] = ()
    ships: int = 2
