"""Where this thread's commit went out with another merge."""

from app.core import events as ev
from app.core.folding.folding import Folding


class FoldOutgoing(Folding):
    """Where this thread's commit went out with another merge."""

    def on_went_out(self, e: ev.WentOut) -> None:
        s = self.state
        s.went_out.pop(e.service, None)
        s.taken_back.pop(e.service, None)
        if e.back:
            s.taken_back[e.service], s.out_at = e.by, None
        else:
            s.went_out[e.service] = e.by
        if e.over:
            s.out_at = self.at
            self.concluded()
            self.answer_questions()
