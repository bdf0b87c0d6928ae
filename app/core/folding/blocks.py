"""Holds, locks and freezes."""

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.records import Locking


class FoldBlocks(Folding):
    """Holds, locks and freezes."""

    def on_hold_placed(self, e: ev.HoldPlaced) -> None:
        self.state.holds_due = [due for due in self.state.holds_due if due[0] != e.service]

    def on_hold_released(self, e: ev.HoldReleased) -> None:
        for card in self.state.cards.values():
            if card.status == "pending" and any(e.service == step.name for step in card.steps):
                card.holds_released[e.service] = e.user

    def on_service_locked(self, e: ev.ServiceLocked) -> None:
        s = self.state
        placed = Locking(len(s.lockings), e.services, e.user, self.at, e.reason, e.until)
        placed.opens, placed.chosen = s.version == 2, e.chosen
        s.lockings.append(placed)
        s.facts = None

    def on_service_unlocked(self, e: ev.ServiceUnlocked) -> None:
        s = self.state
        for service in e.services:
            placed = [p for p in s.lockings if service in p.services and not p.ends]
            for newest in placed[-1:]:
                newest.ended[service] = e.user
        n = len(s.lockings)
        s.lockings.append(Locking(n, e.services, e.user, self.at, e.reason, ends=True))
        s.facts = None

    def on_block_waited(self, e: ev.BlockWaited) -> None:
        self.begins_to_wait()
        self.state.waits_for_block = e.block
