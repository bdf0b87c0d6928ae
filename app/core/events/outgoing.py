"""A merge to which people said no: what it hears when another one brings its commit out."""

from typing import Literal

from app.core.events.values import Frozen, Pull


class WentOut(Frozen):
    """The merge `by` brought this thread's commit to a service with its own, or took it `back`."""

    type: Literal["went_out"] = "went_out"
    by: Pull
    service: str
    back: bool = False
