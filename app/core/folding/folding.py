"""What the methods of the fold share: the state, the time of the event, common changes."""

from collections.abc import Collection
from typing import Literal

from app.core import awaited
from app.core import events as ev
from app.core.cards import Approval, Card, CardStatus
from app.core.questions import only_orders
from app.core.records import Say, SayKind, Words
from app.core.spec import EffectKind
from app.core.state import State
from app.core.words import says_urgent, sha_like


class Folding:
    """The state under way; `at` is the time of the event that is applied, in milliseconds."""

    def __init__(self) -> None:
        self.state = State()
        self.at = 0
        self.for_a_click = False
        self.lost: tuple[Approval, ...] = ()
        self.proposed_by = "model"
        self.proposed_tool = ""

    def hear(self, user: str, text: str) -> None:
        """Hear a person: everything starts to count anew."""
        s = self.state
        said = Words(user, text, self.at)
        s.words.append(said)
        s.unread.append(said)
        s.unresolved.extend(sha_like(text))
        if not s.urgent_by and says_urgent(text):
            self.mark_urgent(user)
        s.steps = s.errors = 0
        self._hold_wait(user)
        s.refused.clear()
        if s.to_hold:
            s.to_hold.released, s.to_hold.unheard_by = False, None
        s.question_held = s.question or s.question_held
        self.answer_questions()

    def mark_urgent(self, user: str, label: str = "", of: ev.Pull | None = None) -> None:
        """Take a word that it is urgent; a card that waits already calls people for it."""
        s = self.state
        if s.pending and not s.is_urgent:
            s.pending.urgent_at = self.at
        s.urgent_by, s.urgent_label, s.urgent_of = user, label or s.urgent_label, of

    def _hold_wait(self, user: str) -> None:
        """Hold a wait while words are read, or end it where they are what was waited for."""
        s = self.state
        wait, s.wait, s.wait_held = s.wait or s.wait_held, None, None
        if wait and awaited.user_of(wait) != user:
            s.wait_held = wait

    def let_waits_go_on(self) -> None:
        """Go on waiting, also for an answer, once words were answered that changed nothing."""
        s = self.state
        s.wait, s.wait_held = s.wait or s.wait_held, None
        if s.question_held:
            s.question_held.answered = False
        s.question_held = None

    def close_questions(self) -> None:
        """Take open questions as answered for good, also those that are held."""
        self.answer_questions()
        self.state.question_held = None

    def end_waits(self) -> None:
        """Wait no longer."""
        self.state.wait = self.state.wait_held = self.state.question_held = None

    def obey_words(self, what: EffectKind | Literal["tests"], names: Collection[str]) -> None:
        """Take the unread words that ordered just this, by name, as obeyed."""
        for words in self.state.unread:
            if only_orders(words.text, names, back=what == "rollback"):
                words.obeyed = what

    def obey_with(self, card: ev.ApprovalRequested) -> None:
        """Take the unread words that ordered just what a card asks for as obeyed."""
        self.obey_words(card.spec.kind, [*(step.name for step in card.steps), card.spec.sha])

    def let_words_pass(self) -> None:
        """Read nobody's words any more: they alone wait for the model, the planner does not."""
        s = self.state
        s.unread, s.unresolved, s.model_down = [], [], None

    def answer_words(self) -> None:
        """Take the unread words as answered by a sentence; nothing else comes of them.

        Who ordered what a card asks for already is pointed at it.
        """
        if self.state.to_hold:
            self.obey_with(self.state.to_hold.request)
        for words in self.state.unread:
            words.answered = True
        self.state.unread, self.state.errors = [], 0
        self.let_waits_go_on()

    def take_as_done(self, service: str, sha: str) -> None:
        """Have the agent read what it proposed in shadow mode as what runs, and so go on."""
        s = self.state
        if s.facts is None:
            return
        running = tuple(
            told.model_copy(update={"sha": sha}) if told.service == service else told
            for told in s.facts.running
        )
        s.facts = s.facts.model_copy(update={"running": running})

    def know(self, commit: ev.Commit) -> None:
        """Remember a commit; what is known with its title stays."""
        known = self.state.known.get(commit.sha)
        if known is None or not known.title:
            self.state.known[commit.sha] = commit

    def concluded(self) -> None:
        """End a turn of the agent."""
        s = self.state
        s.unread, s.owes_step, s.errors = [], False, 0
        self.end_waits()

    def say(self, call_id: str, text: str, because: SayKind, choices: tuple[str, ...] = ()) -> None:
        """Say a sentence in a slot of its own."""
        says = self.state.says
        says.append(Say(len(says), call_id, text, because, self.at, choices))

    def answer_questions(self) -> None:
        """Take open questions as answered."""
        for say in self.state.says:
            say.answered = say.answered or say.because in ("question", "stuck")

    def settle(self, card: Card, status: CardStatus, user: str, text: str) -> None:
        """Settle a card that waited."""
        if card is self.state.approved:
            self.state.waits_for_lock = None
        card.status, card.decided_by = status, user
        card.decided_at, card.text = self.at, text
        self.state.waits_for_source = self.state.waits_for_block = None

    def begins_to_wait(self) -> None:
        """Note since when it waits, whatever it waits for in the end."""
        s = self.state
        if not (s.waits_for_lock or s.waits_for_source or s.waits_for_block):
            s.waits_since = self.at

    def void(self, card: Card, why: str) -> None:
        """Give up the steps of a plan that have not begun; what comes instead is a new plan."""
        if card.next_step is None:
            return
        card.void = why
        self.state.replans += 1
        self.state.waits_for_lock = None
        self.state.waits_for_source = self.state.waits_for_block = None

    def card_asked_again(self) -> Card | None:
        """Return the card that a person wants to be made anew."""
        again = self.state.ask_again
        if again is None:
            return None
        asked = self.state.asked(again[0])
        return asked.card if asked else self.state.cards[again[0]]
