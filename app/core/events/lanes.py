"""What merges of the same services are to each other: who ships whom, who comes first."""

from typing import Literal

from app.core.events.values import Frozen, Pull


class OrderSeen(Frozen):
    """How the commits of two merges follow each other: the other is newer if it contains ours."""

    type: Literal["order_seen"] = "order_seen"
    other: str
    relation: Literal["newer", "older", "apart"]


class Coalesced(Frozen):
    """The merge is not tested by itself: a newer one, which contains it, is."""

    type: Literal["coalesced"] = "coalesced"
    into: Pull


class Superseded(Frozen):
    """A newer merge that was tested, too, ships this one; `user` chose that, or nobody had to."""

    type: Literal["superseded"] = "superseded"
    into: Pull
    user: str = ""


class Carried(Frozen):
    """The thread ships these merges with its own."""

    type: Literal["carried"] = "carried"
    pulls: tuple[Pull, ...]


class NewerOffered(Frozen):
    """The card asks whether to ship what was tested meanwhile: `pulls`, the newer merge first.

    They are all that it adds; `carries` of them, or more, were known to ship with it then.
    """

    type: Literal["newer_offered"] = "newer_offered"
    pulls: tuple[Pull, ...]
    carries: int = 0


class NewerAnswered(Frozen):
    """A person chose what becomes of this card and the newer merge."""

    type: Literal["newer_answered"] = "newer_answered"
    other: str
    answer: Literal["both", "keep", "wait"]
    user: str


class MarkedUrgent(Frozen):
    """A person said that this merge is urgent.

    `of` is a merge that ships with it, for which they said it, or whose `label` says so.
    """

    type: Literal["marked_urgent"] = "marked_urgent"
    user: str
    label: str = ""
    of: Pull | None = None


class UrgencyPassed(Frozen):
    """The merge that ships this one was told that it is urgent."""

    type: Literal["urgency_passed"] = "urgency_passed"
    into: Pull


class PlaceKept(Frozen):
    """The open question about people's words leaves a merge its place behind older ones.

    When its turn comes, its card is put up, and held by those words.
    """

    type: Literal["place_kept"] = "place_kept"
    call_id: str


class OneByOneRequested(Frozen):
    """What is red together is to be tested one by one, oldest first."""

    type: Literal["one_by_one_requested"] = "one_by_one_requested"
    user: str


class OneByOneEnded(Frozen):
    """The tests one by one came to an end; `red` is the first merge that is red."""

    type: Literal["one_by_one_ended"] = "one_by_one_ended"
    green: tuple[Pull, ...] = ()
    red: Pull | None = None
