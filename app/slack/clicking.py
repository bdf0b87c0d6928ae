"""What a pressed button means for its thread: read, look up who pressed it, append, or answer.

What it means is decided in `core.clicks`; whoever is slower reads again and decides anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck

from app.core import clicks, ledger
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import RepoConfig
from app.core.errors import Conflict, UserError
from app.core.fold import fold
from app.core.policy import Person
from app.core.ports import ThreadLog
from app.core.state import State
from app.slack.forms import feedback_form
from app.slack.payloads import Clicked, Target, clicked, feedback, target
from app.slack.people import SlackPeople
from app.slack.text import inline
from app.slack.web import SlackSilent
from app.slack.whispers import Whispers

TRIES = 10
UNKNOWN_THREAD = "I do not know this thread any more."
OTHER_CHANNEL = "This button belongs to another channel. Use the card in its own thread."
SHARED_CHANNEL = "This channel is shared with other workspaces, so nothing can be decided in it."
NO_WORDS = "Say what I should do instead."
NO_FORM = "I could not open the form. Write here what I should do instead, or press Reject."

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Json = dict[str, Any]
Decide = Callable[[Click], Decision]
# Anyone may press these …
OPEN: Mapping[str, Decide] = {
    "reject": clicks.reject,
    "ask_again": clicks.ask_again,
    "stop": clicks.stop,
    "retry": clicks.retry,
    "retry_e2e": clicks.retry,
    "rollback": clicks.rollback,
}
# … and these only approvers: Slack is asked who they are.
GUARDED: Mapping[str, Decide] = {
    "approve": clicks.approve,
    "release": clicks.release,
    "happened": clicks.happened,
    "did_not_happen": clicks.did_not_happen,
}


class Clicking:
    """Settles clicks and submitted forms; every one that changes nothing visible is answered."""

    def __init__(
        self,
        repos: Mapping[str, RepoConfig],
        log: ThreadLog,
        whispers: Whispers,
        people: SlackPeople,
    ) -> None:
        self._repos = repos
        self._log = log
        self._whispers = whispers
        self._people = people

    async def on_click(self, body: Json, ack: AsyncAck) -> None:
        """Append what a button means, then say why not if it means nothing."""
        click = clicked(body)
        about = target(click.value)
        if about is None or about.repo not in self._repos:
            self._answer(click, UNKNOWN_THREAD)
        else:
            decide = GUARDED.get(click.action_id) or OPEN.get(click.action_id) or clicks.choose
            # Rolling back an unknown effect states that it may have happened.
            states = click.action_id == "rollback" and bool(about.call_id)
            guarded = click.action_id in GUARDED or states
            text = _scope(click.action_id, about)
            refusal = await self.settle(click, about, decide, text, guarded)
            if refusal:
                self._answer(click, refusal)
        await ack()

    async def on_form(self, body: Json, ack: AsyncAck) -> None:
        """Open the feedback form, while the trigger still counts."""
        click = clicked(body)
        about = target(click.value)
        state = await self._read(about)
        refusal = UNKNOWN_THREAD
        if about and state:
            refusal = _elsewhere(click, state)
            decision = clicks.may_reject(await self._click(about, Person(click.user)))
            refusal = refusal or (decision.sentence if isinstance(decision, Refused) else "")
        if refusal or not about or not state:
            self._answer(click, refusal)
        else:
            form = feedback_form(click.value, state.cards[about.call_id])
            self._whispers.later(self._open_form(click, form))
        await ack()

    async def on_feedback(self, body: Json, ack: AsyncAck) -> None:
        """Reject with the words of the form; words that come too late are given back."""
        typed = feedback(body)
        about = target(typed.value)
        if not typed.text:
            await ack(response_action="errors", errors={"feedback": NO_WORDS})
            return
        state = await self._read(about)
        if about is None or state is None:
            await ack(response_action="errors", errors={"feedback": UNKNOWN_THREAD})
            return
        click = Clicked(
            user=typed.user,
            channel=state.channel,
            thread_ts=_thread_ts(state),
            action_id="feedback",
            value=typed.value,
            trigger_id="",
        )
        refusal = await self.settle(click, about, clicks.reject, typed.text)
        if refusal:
            yours = inline(typed.text, 1500)
            self._answer(click, f"{refusal} Your words were not passed on: “{yours}”")
        await ack()

    async def settle(
        self,
        click: Clicked,
        about: Target,
        decide: Decide,
        text: str = "",
        guarded: bool = False,
    ) -> str:
        """Append what the click means, as often re-read as somebody else was faster.

        Return what to tell the person, "" where the thread itself shows it.
        """
        person: Person | None = None if guarded else Person(click.user)
        for _ in range(TRIES):
            state = await self._read(about)
            if state is None:
                return UNKNOWN_THREAD
            elsewhere = _elsewhere(click, state)
            if elsewhere:
                return elsewhere
            try:
                person = person or await self._approver(click, state, about)
            except UserError as error:
                return str(error)
            seen = replace(await self._click(about, person), text=text)
            decision = decide(seen)
            if isinstance(decision, Refused):
                return decision.sentence
            if await self._appended(seen, decision):
                return ""
        raise Conflict(about.thread_id)

    async def _appended(self, click: Click, decision: Accepted) -> bool:
        state = click.state
        try:
            await self._log.append(ledger.write(state, decision.events, click.now, state.version))
        except Conflict:
            return False
        _log.info(
            "click taken",
            thread_id=state.thread_id,
            events=[event.type for event in decision.events],
        )
        return True

    async def _approver(self, click: Clicked, state: State, about: Target) -> Person:
        """Ask Slack who clicked; raise `UserError` where nobody may decide or Slack is silent."""
        if await self._people.is_shared(state.channel):
            raise UserError(SHARED_CHANNEL)
        repo = self._repos[about.repo]
        service = clicks.service_of(state, about.call_id)
        known = service is not None and service in repo.production.services
        return await self._people.person(
            click.user, repo.approvers_of(service) if service and known else ()
        )

    async def _click(self, about: Target, person: Person) -> Click:
        here = await self._log.look(about.thread_id)
        state, repo = fold(here.entries), self._repos[about.repo]
        return Click(state, repo, person, about.call_id, here.now, here.facts)

    async def _read(self, about: Target | None) -> State | None:
        if about is None or about.repo not in self._repos:
            return None
        entries = await self._log.read(about.thread_id)
        return fold(entries) if entries else None

    async def _open_form(self, click: Clicked, form: Json) -> None:
        try:
            await self._whispers.web.call("views.open", trigger_id=click.trigger_id, view=form)
        except SlackSilent:
            self._answer(click, NO_FORM)

    def _answer(self, click: Clicked, text: str) -> None:
        if click.channel:
            self._whispers.tell(click.channel, click.user, text, click.thread_ts)


def _scope(action_id: str, about: Target) -> str:
    return "e2e" if action_id == "retry_e2e" else about.choice


def _elsewhere(click: Clicked, state: State) -> str:
    return "" if click.channel == state.channel else OTHER_CHANNEL


def _thread_ts(state: State) -> str | None:
    return state.root_ts or state.slots.get("status", ("", None))[1]
