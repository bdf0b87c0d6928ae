"""What the offline planner learns from the events of a thread, one by one."""

from collections.abc import Collection, Iterable, Sequence

from app.core import events as ev
from app.core.state import Mode, State
from app.core.untrusted import cut, one_line
from app.model import offline_replies as say
from app.model.offline_memory import Memory, Proposal, resolve
from app.model.offline_sentences import WISHES
from app.model.offline_topic import is_about_the_deploy
from app.model.offline_wishes import Wishes
from app.model.offline_words import Heard, hear


def remember(
    entries: Iterable[ev.Entry], state: State, services: Sequence[str], people: Collection[str]
) -> Memory:
    """Fold the entries of a thread into what the planner remembers."""
    remembering = _Remembering(state, services, people)
    for entry in entries:
        remembering.apply(entry.event)
    return remembering.memory


class _Remembering:
    """Applies events one by one; the methods are named after the events and the wishes."""

    def __init__(self, state: State, services: Sequence[str], people: Collection[str]) -> None:
        self.memory = Memory()
        self.people = people
        self.state = state
        self.services = services
        self.verified = False
        self.stopped = False
        self.mode: Mode = "deploy"
        self.clicker = ""
        self.keeps_place = False  # the open question holds the card that comes, too
        self.by_another = False
        self.going_back = False
        self.wishes = Wishes(state, services)
        self.about: str | None = None
        self.is_changing = False
        self.unanswered: Heard | None = None

    def apply(self, event: ev.Event) -> None:
        handler = getattr(self, f"on_{event.type}", None)
        if handler is not None:
            handler(event)

    def on_thread_started(self, e: ev.ThreadStarted) -> None:
        self.memory.only = None if e.origin == "merge" else set()
        self.about = e.sha

    def on_facts_fetched(self, e: ev.FactsFetched) -> None:
        if not self.going_back:
            self.memory.together = e.changed_last
        if self.unanswered and e.changed_last:  # looked up only for these words
            self.memory.nothing_back = False
            self._wish(self.unanswered)

    def on_human_said(self, e: ev.HumanSaid) -> None:
        self._hear(e.text)

    def on_approval_rejected(self, e: ev.ApprovalRejected) -> None:
        specs = self.state.cards[e.call_id].request.specs
        if not self._is_put_off(e.text):
            for spec in specs:
                self._block((spec.tool, spec.sha), say.rejected(specs))
        if e.text:
            self._hear(e.text, meant=True)

    def _is_put_off(self, text: str) -> bool:
        """Tell whether words say until when to wait: the same is wanted again then."""
        heard = hear(text, self.services, self.mode, self.people)
        return heard.kind == "wait" and bool(heard.event or heard.number)

    def on_stop_requested(self, e: ev.StopRequested) -> None:
        self.stopped = True

    def on_continued(self, e: ev.Continued) -> None:
        self.stopped = self.memory.ended = False
        self._settled()

    def on_asked_again(self, e: ev.AskedAgain) -> None:
        self.clicker = e.user

    def on_tool_proposed(self, e: ev.ToolProposed) -> None:
        self.by_another = e.by not in (say.NAME, self.clicker)
        self.clicker = ""
        self.unanswered = None

    def on_bot_said(self, e: ev.BotSaid) -> None:
        if e.because in ("question", "stuck"):
            self.memory.asked = e.text
        elif e.because == "reply" and e.text.startswith(say.ONCE):
            self.memory.said_once.add(e.text)
        elif e.because == "reply" and self.by_another:
            self.memory.unclear = False

    def on_answer_told(self, e: ev.AnswerTold) -> None:
        self.memory.unclear = self.memory.unclear and not self.by_another

    def on_plan_kept(self, e: ev.PlanKept) -> None:
        self._settled()

    def on_approval_released(self, e: ev.ApprovalReleased) -> None:
        self._settled()

    def on_ignored(self, e: ev.Ignored) -> None:
        self.memory.unclear = self.memory.unclear and not self.by_another

    def on_place_kept(self, e: ev.PlaceKept) -> None:
        self.memory.unclear, self.keeps_place = False, True

    def on_approval_requested(self, e: ev.ApprovalRequested) -> None:
        self.memory.asked = self.memory.asked if self.keeps_place else ""
        self.keeps_place = False
        if self.by_another:
            self.memory.unsure = self.memory.unsure or self.memory.unclear
            self.memory.unclear = False

    def on_rollback_opened(self, e: ev.RollbackOpened) -> None:
        self.mode = "rollback"
        before, red = self.memory.before, self.memory.red
        self.memory = Memory(before=before, red=red, by_button=e.user is not None)

    def on_verification_ended(self, e: ev.VerificationEnded) -> None:
        self.verified = e.passed
        self.memory.red = None if e.passed else e.failing_tests
        if e.passed:
            self.mode = "deploy"

    def on_outcome_stated(self, e: ev.OutcomeStated) -> None:
        run = self.state.runs[e.attempt_id]
        self.clicker = e.user
        self.is_changing = False
        if e.happened and run.attempt.service and run.attempt.kind != "job":
            self._shipped(run.attempt.service, run.attempt.kind == "rollback", run.call_id)

    def on_tool_started(self, e: ev.ToolStarted) -> None:
        self.is_changing = e.attempt.environment == "production" and e.attempt.service is not None

    def on_tool_ended(self, e: ev.ToolEnded) -> None:
        run = self.state.runs[e.attempt_id]
        attempt = run.attempt
        self.is_changing = e.outcome == "unknown" and run.is_production_effect
        if not run.is_production_effect or attempt.service is None or e.outcome == "unknown":
            return
        place = "to_prod" if attempt.kind == "deploy" else "in_prod"
        verb = "run" if attempt.kind == "job" else attempt.kind
        proposal = (f"{verb}_{attempt.service}_{place}", attempt.sha)
        if e.outcome == "cancelled" and self.stopped:
            return
        if e.outcome != "succeeded":
            why = cut(one_line(e.summary), 300)
            what = f"job {attempt.service}" if verb == "run" else f"{verb} of {attempt.service}"
            troubled = f"The {what} {e.outcome}: {why}"
            self._block(proposal, f"{troubled}. What should I do?")
            return
        self.memory.blocked.discard(proposal)
        if attempt.kind != "job":
            self._shipped(attempt.service, attempt.kind == "rollback", run.call_id)

    def _shipped(self, service: str, rolled_back: bool, call_id: str | None) -> None:
        before = self.memory.before
        if rolled_back:
            before.pop(service, None)
            self.going_back = True
            return
        self.memory.red = None
        if self.verified:
            before.clear()
            self.verified = False
        asked = self.state.asked(call_id)
        before.setdefault(service, asked.spec.production_was if asked else None)

    def _block(self, proposal: Proposal, why: str) -> None:
        self.memory.blocked.add(proposal)
        self.memory.troubled = why
        self.memory.asked = ""

    def _settled(self) -> None:
        memory = self.memory
        memory.unclear, memory.unsure, memory.asked = False, False, ""
        memory.said_once.clear()

    def _hear(self, text: str, meant: bool = False) -> None:
        heard = hear(text, self.services, self.mode, self.people)
        if heard.kind == "unclear":
            meant = meant or bool(self.memory.asked)
            self.memory.unclear |= meant or is_about_the_deploy(text, self.services)
        elif heard.kind != "question":
            self.memory.said_once.clear()
        if heard.kind == "approval" and self.memory.asked.endswith(say.AGAIN):
            heard = Heard("again")
        if heard.kind not in WISHES:
            return
        self.memory.odd_sha = ""
        if heard.sha and resolve(heard.sha, self.state.known) is None:
            self.memory.odd_sha = heard.sha
            return
        self.memory.nothing_back = self._has_nothing_back(heard)
        self.unanswered = heard if self.memory.nothing_back else None
        if self.unanswered is None:
            self._wish(heard)

    def _wish(self, heard: Heard) -> None:
        self._settled()
        self.memory.troubled = ""
        self.memory.ended = heard.kind == "stop here"
        self.going_back = self.going_back and heard.kind != "rollback"
        self.wishes.apply(self.memory, heard)

    def _has_nothing_back(self, heard: Heard) -> bool:
        """Tell whether people want back what a commit's thread brought nowhere, as known so far."""
        if heard.kind != "rollback" or heard.services or self.about is None:
            return False
        there = self.memory.before or self.memory.together or self.is_changing
        return self.mode == "deploy" and not there
