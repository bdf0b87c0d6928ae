"""A merge whose commit another one brings out: what it hears then."""

from typing import Literal

from app.core.events.values import Frozen, Pull


class WentOut(Frozen):
    """The thread `by` brought this thread's commit to a service, or took it `back`.

    `message` is where that thread is in Slack, "<channel>|<ts>"; "" where it is nowhere yet.
    It is `over` where nothing is left to bring out, and nothing is under way.
    """

    type: Literal["went_out"] = "went_out"
    by: Pull
    service: str
    message: str = ""
    back: bool = False
    over: bool = False
