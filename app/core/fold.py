"""The fold: events in, `State` out; no clock, no I/O."""

from collections.abc import Sequence

from app.core import events as ev
from app.core.cards import CARD_SLOT
from app.core.folding.agent import FoldAgent
from app.core.folding.ahead import FoldAhead
from app.core.folding.approvals import FoldApprovals
from app.core.folding.blocks import FoldBlocks
from app.core.folding.effects import FoldEffects
from app.core.folding.glass import FoldGlass
from app.core.folding.lanes import FoldLanes
from app.core.folding.outgoing import FoldOutgoing
from app.core.folding.rides import FoldRides
from app.core.folding.shadow import FoldShadow
from app.core.folding.threads import FoldThreads
from app.core.folding.undeployed import FoldUndeployed
from app.core.state import State

# What is no step of ours says nothing about whether the next one will work.
KEEPING_A_FAULT = frozenset({"message_posted", "human_said"})


def fold(entries: Sequence[ev.Entry]) -> State:
    """Fold a thread's entries into its state; events of a newer version are only noted."""
    return Fold().follow(entries)


class Fold(
    FoldThreads,
    FoldEffects,
    FoldBlocks,
    FoldAgent,
    FoldApprovals,
    FoldAhead,
    FoldGlass,
    FoldLanes,
    FoldRides,
    FoldOutgoing,
    FoldUndeployed,
    FoldShadow,
):
    """Applies events one by one; the method of an event is named after its type."""

    def follow(self, entries: Sequence[ev.Entry]) -> State:
        """Apply what is new in a thread's entries, given all of them, and return the state."""
        for entry in entries[self.state.version :]:
            self.apply(entry)
        return self.state

    def apply(self, entry: ev.Entry) -> None:
        """Apply one entry."""
        self.at = entry.at
        self.state.version += 1
        event = entry.event
        if isinstance(event, ev.UnknownEvent):
            self.state.newer.append(event.type)
            return
        if event.type not in KEEPING_A_FAULT:
            self.state.fault = None
        try:
            getattr(self, f"on_{event.type}")(event)
        except LookupError:  # it is about something that an event before it did not bring
            self.state.newer.append(event.type)

    def on_message_posted(self, e: ev.MessagePosted) -> None:
        self.state.slots[e.slot] = (e.channel, e.ts)
        card = self.state.cards.get(e.slot.removeprefix(CARD_SLOT))
        if card and card.shown_at is None:
            card.shown_at = self.at
