"""A merge whose commit another one brings out: what it hears then."""

from typing import Literal

from app.core.events.values import Frozen, Pull


class WentOut(Frozen):
    """The merge `by` brought this thread's commit to a service with its own, or took it `back`.

    It is `over` where nothing is left to bring out, and nothing is under way.
    """

    type: Literal["went_out"] = "went_out"
    by: Pull
    service: str
    back: bool = False
    over: bool = False
