"""Where this thread's commit went out with another merge."""

from dataclasses import replace

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.records import Elsewhere


class FoldOutgoing(Folding):
    """Where this thread's commit went out with another merge."""

    def on_went_out(self, e: ev.WentOut) -> None:
        s = self.state
        was = s.went_out.pop(e.service, None)
        s.taken_back.pop(e.service, None)
        heard = Elsewhere(e.by, e.message, self.at)
        if e.back:
            s.taken_back[e.service] = replace(heard, was=was.by if was else None)
            s.out_at = None
        else:
            s.went_out[e.service] = heard
        if e.over:
            s.out_at = self.at
            self.concluded()
            self.answer_questions()
