"""What the offline planner remembers of a thread: people's wishes, refusals, what was shipped."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.core import events as ev
from app.core.state import Mode, State
from app.core.untrusted import cut, one_line
from app.model import offline_replies as say
from app.model.offline_sentences import WISHES
from app.model.offline_topic import is_about_the_deploy
from app.model.offline_words import Heard, hear

Proposal = tuple[str, str]  # the tool and the full SHA


@dataclass(slots=True)
class Memory:
    """What holds for the next step, from all events of the thread.

    `only` is None where all services are wanted. `blocked` is what was refused or failed; it is
    not proposed again unasked. `troubled`: nobody has said yet what to do about it. `before` is
    what the services ran before this thread shipped something unverified, oldest first. `order`
    is the order that people asked for, in words. `unclear`: what was not understood may be about
    the deploy; `unsure`: another planner understood it and made a card of it. `asked` is the
    question that is open, `said_once` what is not repeated until people are understood. `red` are
    the tests that fail on production, None where none are known to; `by_button`: a person called
    for the rollback. `together` changed last on production, before any of it was rolled back here.
    """

    first: list[str] = field(default_factory=list[str])
    last: list[str] = field(default_factory=list[str])
    only: set[str] | None = None
    skip: set[str] = field(default_factory=set[str])
    sha: str | None = None
    odd_sha: str = ""
    back: tuple[str, ...] | None = None
    back_sha: str | None = None
    blocked: set[Proposal] = field(default_factory=set[Proposal])
    troubled: str = ""
    ended: bool = False
    unclear: bool = False
    unsure: bool = False
    order: str = ""
    asked: str = ""
    said_once: set[str] = field(default_factory=set[str])
    red: tuple[str, ...] | None = None
    by_button: bool = False
    together: tuple[str, ...] = ()
    before: dict[str, str | None] = field(default_factory=dict[str, str | None])


def remember(
    entries: Iterable[ev.Entry], state: State, services: Sequence[str], people: Collection[str]
) -> Memory:
    """Fold the entries of a thread into what the planner remembers."""
    remembering = _Remembering(state, services, people)
    for entry in entries:
        remembering.apply(entry.event)
    return remembering.memory


def resolve(sha: str, known: Mapping[str, object]) -> str | None:
    """Return the one known SHA that begins so, or None."""
    found = [full for full in known if full.startswith(sha)]
    return found[0] if len(found) == 1 else None


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
        self.by_another = False
        self.going_back = False

    def apply(self, event: ev.Event) -> None:
        handler = getattr(self, f"on_{event.type}", None)
        if handler is not None:
            handler(event)

    def on_thread_started(self, e: ev.ThreadStarted) -> None:
        self.memory.only = None if e.origin == "merge" else set()

    def on_facts_fetched(self, e: ev.FactsFetched) -> None:
        if not self.going_back:
            self.memory.together = e.changed_last

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

    def on_bot_said(self, e: ev.BotSaid) -> None:
        if e.because in ("question", "stuck"):
            self.memory.asked = e.text
        elif e.because == "reply" and e.text.startswith(say.ONCE):
            self.memory.said_once.add(e.text)
        elif e.because == "reply" and self.by_another:
            self.memory.unclear = False

    def on_answer_told(self, e: ev.AnswerTold) -> None:
        self.memory.unclear = self.memory.unclear and not self.by_another

    def on_ignored(self, e: ev.Ignored) -> None:
        self.memory.unclear = self.memory.unclear and not self.by_another

    def on_approval_requested(self, e: ev.ApprovalRequested) -> None:
        self.memory.asked = ""
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
        if e.happened and run.attempt.service and run.attempt.kind != "job":
            self._shipped(run.attempt.service, run.attempt.kind == "rollback", run.call_id)

    def on_tool_ended(self, e: ev.ToolEnded) -> None:
        run = self.state.runs[e.attempt_id]
        attempt = run.attempt
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
        self._settled()
        self.memory.troubled = ""
        self.memory.ended = heard.kind == "stop here"
        getattr(self, f"wish_{heard.kind.replace(' ', '_')}")(heard)

    def wish_order(self, heard: Heard) -> None:
        self._want(heard.services, alone=len(heard.services) > 1)
        self.memory.first = list(heard.services)
        self.memory.order = f"{say.spelt(heard.services[0])} first"
        self.memory.last = [s for s in self.memory.last if s not in heard.services]
        self.memory.blocked.clear()

    def wish_last(self, heard: Heard) -> None:
        if not self.memory.only:
            self.memory.only = None
        self.memory.last = list(heard.services)
        self.memory.order = f"{' and '.join(map(say.spelt, heard.services))} last"
        self.memory.first = [s for s in self.memory.first if s not in heard.services]
        self.memory.blocked.clear()

    def wish_reverse(self, heard: Heard) -> None:
        order = in_order(self.services, self.memory)
        self.wish_order(Heard("order", tuple(reversed(order))))

    def wish_only(self, heard: Heard) -> None:
        self.memory.only = set(heard.services)
        self.memory.skip.difference_update(heard.services)
        self._lift(heard.services)

    def wish_skip(self, heard: Heard) -> None:
        memory = self.memory
        memory.skip.update(heard.services)
        memory.only = memory.only - memory.skip if memory.only else None

    def wish_deploy(self, heard: Heard) -> None:
        memory = self.memory
        memory.sha = resolve(heard.sha, self.state.known) if heard.sha else memory.sha
        memory.back = None
        if not heard.services:
            memory.blocked.clear()
            if not heard.sha:
                memory.skip.clear()
            if not heard.sha or not memory.only:
                memory.only = None
            return
        self._want(heard.services, alone=memory.only is not None)
        memory.order = ""
        memory.first = [*heard.services, *(s for s in memory.first if s not in heard.services)]
        self._lift(heard.services)

    def wish_rollback(self, heard: Heard) -> None:
        memory = self.memory
        memory.back = heard.services
        memory.back_sha = resolve(heard.sha, self.state.known) if heard.sha else None
        self.going_back = False
        memory.first, memory.order = list(heard.services), ""
        self._lift(heard.services or self.services)

    def wish_again(self, heard: Heard) -> None:
        self.memory.blocked.clear()

    def wish_go_on(self, heard: Heard) -> None:
        if not self.memory.only:
            self.memory.only = None

    def wish_stop_here(self, heard: Heard) -> None:
        self.memory.back = None

    def _want(self, services: Sequence[str], alone: bool) -> None:
        memory = self.memory
        memory.skip.difference_update(services)
        if memory.only or (memory.only is not None and alone):
            memory.only = {*memory.only, *services}
        else:
            memory.only = None

    def _lift(self, services: Iterable[str]) -> None:
        verbs = ("deploy_{}_to_prod", "rollback_{}_in_prod", "run_{}_in_prod")
        tools = {verb.format(service) for service in services for verb in verbs}
        self.memory.blocked = {p for p in self.memory.blocked if p[0] not in tools}


def in_order(services: Iterable[str], memory: Memory) -> list[str]:
    """Return the services in the order that people asked for, else as given."""
    rest = list(services)
    first = [service for service in memory.first if service in rest]
    last = [service for service in memory.last if service in rest]
    middle = [service for service in rest if service not in first and service not in last]
    return [*first, *middle, *last]


def wanted(services: Iterable[str], memory: Memory) -> list[str]:
    """Return the services that people want, in order."""
    order = in_order(services, memory)
    picked = [s for s in order if memory.only is None or s in memory.only]
    return [service for service in picked if service not in memory.skip]
