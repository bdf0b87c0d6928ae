"""What was asked on a schedule, and what people answered."""

from app.core import events as ev
from app.core.folding.folding import Folding


class FoldUndeployed(Folding):
    """What was asked on a schedule, and what people answered."""

    def on_undeployed_found(self, e: ev.UndeployedFound) -> None:
        self.state.undeployed = e
        for merge in reversed(e.merges):
            self.know(ev.Commit(sha=merge.sha, title=merge.title, author=merge.author))

    def on_undeployed_answered(self, e: ev.UndeployedAnswered) -> None:
        self.state.undeployed_answer = e
        if e.deploy:
            self.state.asked_by = e.user
