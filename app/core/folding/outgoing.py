"""Where this thread's commit went out with another merge."""

from app.core import events as ev
from app.core.folding.folding import Folding


class FoldOutgoing(Folding):
    """Where this thread's commit went out with another merge."""

    def on_went_out(self, e: ev.WentOut) -> None:
        self.state.went_out.pop(e.service, None)
        if not e.back:
            self.state.went_out[e.service] = e.by
