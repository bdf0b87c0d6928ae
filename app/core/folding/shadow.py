"""Shadow mode: proposals, and looks at production."""

from app.core import events as ev
from app.core.folding.folding import Folding


class FoldShadow(Folding):
    """Shadow mode: proposals, and looks at production."""

    def on_shadow_proposed(self, e: ev.ShadowProposed) -> None:
        s = self.state
        self.concluded()
        s.owes_step = True
        if e.is_job:  # nobody can see afterwards whether people ran it
            s.ran[e.service] = e.sha
            return
        s.proposals.append((e.service, e.sha))
        self.take_as_done(e.service, e.sha)

    def on_production_seen(self, e: ev.ProductionSeen) -> None:
        self.state.sightings.append((self.at, e.versions))
