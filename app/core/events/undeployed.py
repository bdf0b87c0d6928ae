"""What code asks on a schedule: whether to deploy what is merged but not on production."""

from collections.abc import Mapping
from typing import Literal

from app.core.events.values import Frozen


class Merged(Frozen):
    """A commit that production does not have; without `number` nobody knows its pull request.

    `how` says why it is not there by itself: people said no (`user` did), or it was bad.
    """

    sha: str
    title: str = ""
    author: str = ""
    number: int = 0
    url: str = ""
    how: Literal["", "rejected", "stopped", "red", "rolled back"] = ""
    user: str = ""


class UndeployedFound(Frozen):
    """Commits are merged but not on production, newest first; `sha` would bring them there.

    `was` is what the services ran then: the question is over when production has moved on.
    """

    type: Literal["undeployed_found"] = "undeployed_found"
    sha: str
    merges: tuple[Merged, ...]
    was: Mapping[str, str]


class UndeployedAnswered(Frozen):
    """A person said by a button whether to deploy them."""

    type: Literal["undeployed_answered"] = "undeployed_answered"
    user: str
    deploy: bool
