"""What people say of a merge while the card of another thread waits that brings it out, too."""

from typing import Literal

from app.core.events.values import Declined, Frozen, Spoken


class SaidMeanwhile(Frozen):
    """All that was said, and stands, of merges that go out with a card since that was made.

    The newest such event of a card is what it shows; an empty one takes back what it showed.
    """

    type: Literal["said_meanwhile"] = "said_meanwhile"
    call_id: str
    declined: tuple[Declined, ...] = ()
    spoken: tuple[Spoken, ...] = ()
