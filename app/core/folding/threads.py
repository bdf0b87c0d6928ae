"""How a thread begins, and what people say and do in it."""

from app.core import events as ev
from app.core.folding.folding import Folding
from app.core.records import Staging


class FoldThreads(Folding):
    """How a thread begins, and what people say and do in it."""

    def on_thread_started(self, e: ev.ThreadStarted) -> None:
        s = self.state
        s.thread_id, s.repo, s.branch, s.channel = e.thread_id, e.repo, e.branch, e.channel
        s.origin, s.sha, s.pull_request = e.origin, e.sha, e.pull_request
        s.asked_by, s.root_ts, s.started_at = e.asked_by, e.root_ts, self.at
        s.urgent_label = e.urgent_label
        if e.sha is None:
            return
        title = e.pull_request.title if e.pull_request else ""
        author = e.pull_request.author if e.pull_request else ""
        self.know(ev.Commit(sha=e.sha, title=title, author=author))
        s.shadow = e.shadow
        if e.shadow:
            s.owes_step = True
        elif e.origin == "merge":
            s.stagings.append(Staging(e.sha, "all", 1, self.at))

    def on_change_seen(self, e: ev.ChangeSeen) -> None:
        s = self.state
        s.change, s.channel = e, e.channel
        if not e.touched:
            s.stagings.clear()
            s.owes_step = False
            s.plan_ended = "it touches no service"

    def on_human_said(self, e: ev.HumanSaid) -> None:
        self.hear(e.user, e.text)

    def on_stop_requested(self, e: ev.StopRequested) -> None:
        s = self.state
        s.stopped_by, s.ask_again, s.series = e.user, None, None
        self.end_waits()
        s.owes_step, s.waits_for_source = False, None
        s.waits_for_block = None
        self.let_words_pass()
        for card in s.cards.values():
            if card.status == "pending" or card.is_ahead or (card.next_step and not card.attempts):
                self.settle(card, "stopped", e.user, "")
            self.void(card, "stopped")
        self.answer_questions()

    def on_continued(self, e: ev.Continued) -> None:
        s = self.state
        staging, untested = s.staging, s.joined is not None and not s.joined.tested
        s.stopped_by, s.plan_ended, s.joined = None, None, None
        s.steps = s.errors = 0
        sha = s.sha if untested else staging.sha if staging and staging.stopped else None
        if sha:
            again = Staging(sha, "all", len(s.stagings) + 1, self.at, asked_for=True)
            s.stagings.append(again)
        else:
            s.owes_step = staging is None or staging.is_good

    def on_staging_requested(self, e: ev.StagingRequested) -> None:
        s = self.state
        again = Staging(e.sha, e.scope, len(s.stagings) + 1, self.at, asked_for=True)
        s.stagings.append(again)
        s.owes_step, s.plan_ended, s.joined = False, None, None
        self.end_waits()
        if e.user is None:  # the agent's answer to the words, and not somebody's button
            self.obey_words("tests", [e.sha])
            self.let_words_pass()
        s.steps = 0 if e.user else s.steps
        self.answer_questions()
