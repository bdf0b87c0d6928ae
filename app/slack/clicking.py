"""What a pressed button means for its thread: read, look up who pressed it, append, or answer.

What it means is decided in `core.clicks`; whoever is slower reads again and decides anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck

from app.core import ahead_clicks, clicks, glass, lane_clicks, ledger, thread_clicks, undeployed
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import RepoConfig
from app.core.errors import Conflict, UserError
from app.core.fold import fold
from app.core.people import Person
from app.core.ports import ThreadLog
from app.core.shadow import in_shadow
from app.core.state import State
from app.slack.blocks import actions, section
from app.slack.messages.glass import glass_button
from app.slack.payloads import Clicked, Target, clicked, target
from app.slack.people import SlackPeople
from app.slack.whispers import Whispers

TRIES = 10
UNKNOWN_THREAD = "I do not know this thread any more."
OTHER_CHANNEL = "This button belongs to another channel. Use the card in its own thread."
SHARED_CHANNEL = "This channel is shared with other workspaces, so nothing can be decided in it."

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Json = dict[str, Any]
Decide = Callable[[Click], Decision]
# Anyone may press these …
OPEN: Mapping[str, Decide] = {
    "reject": clicks.reject,
    "ask_again": clicks.ask_again,
    "stop": thread_clicks.stop,
    "retry": thread_clicks.retry,
    "retry_e2e": thread_clicks.retry,
    "rollback": thread_clicks.rollback,
    "deploy_undeployed": undeployed.deploy,
    "not_now": undeployed.not_now,
    "ship_both": lane_clicks.ship_both,
    "keep_this": lane_clicks.keep_this,
    "wait_newer": lane_clicks.wait_newer,
    "one_by_one": lane_clicks.one_by_one,
}
# … and these only approvers: Slack is asked who they are.
GUARDED: Mapping[str, Decide] = {
    "approve": clicks.approve,
    "approve_when_green": ahead_clicks.approve_when_green,
    "release": clicks.release,
    "happened": thread_clicks.happened,
    "did_not_happen": thread_clicks.did_not_happen,
    "reviewed": glass.reviewed,
}
# … where the approvers of any service of the repository are meant.
OF_ANY_SERVICE = frozenset({"break_glass", "reviewed", "override"})


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
            self.answer(click, UNKNOWN_THREAD)
        else:
            decide = (
                GUARDED.get(click.action_id) or OPEN.get(click.action_id) or thread_clicks.choose
            )
            # Rolling back an unknown effect states that it may have happened.
            states = click.action_id == "rollback" and bool(about.call_id)
            guarded = click.action_id in GUARDED or states
            text = _scope(click.action_id, about)
            refusal = await self.settle(click, about, decide, text, guarded)
            if refusal and not await self._offered_glass(click, about, refusal):
                self.answer(click, refusal)
        await ack()

    async def look(self, click: Clicked, about: Target | None, by_approvers: bool) -> Click:
        """Return what a click is about, as it is now; raise `UserError` where it is nothing."""
        state = await self._read(about)
        if about is None or state is None:
            raise UserError(UNKNOWN_THREAD)
        if elsewhere := self._elsewhere(click, state):
            raise UserError(elsewhere)
        person = await self._approver(click, state, about) if by_approvers else Person(click.user)
        return await self._click(about, person)

    async def at_its_card(self, about: Target | None, user: str, action_id: str) -> Clicked | None:
        """Return the click that a form amounts to, which tells of no message; None if nothing."""
        state = await self._read(about)
        if about is None or state is None:
            return None
        return Clicked(
            user=user,
            channel=state.channel,
            thread_ts=_thread_ts(state),
            action_id=action_id,
            value="",
            trigger_id="",
        )

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
            if elsewhere := self._elsewhere(click, state):
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
        write = ledger.write(
            *(state, decision.events, click.now, state.version),
            seen=click.facts,
            expects=decision.expects,
        )
        try:
            await self._log.append(write)
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
        if await self._people.is_shared(click.channel):
            raise UserError(SHARED_CHANNEL)
        repo = self._repos[about.repo]
        if click.action_id in OF_ANY_SERVICE:
            return await self._of_any_service(click, repo, state, about)
        return await self._people.person(click.user, _approvers(repo, state, about))

    async def _of_any_service(
        self, click: Clicked, repo: RepoConfig, state: State, about: Target
    ) -> Person:
        """Ask who clicked, and for the groups of the card's service and of the others."""
        person = await self._people.person(click.user, _approvers(repo, state, about))
        other = await self._people.person(click.user, repo.all_approvers)
        return replace(person, groups=person.groups | other.groups)

    async def _offered_glass(self, click: Clicked, about: Target, refusal: str) -> bool:
        """Offer to break the glass to who may not approve, where that would help."""
        state = await self._read(about) if click.action_id == "approve" else None
        if state is None or state.pending is None:
            return False
        try:
            breaking = click.model_copy(update={"action_id": "break_glass"})
            seen = await self.look(breaking, about, by_approvers=True)
        except UserError:
            return False
        if isinstance(glass.liftable(seen), Refused):
            return False
        button = glass_button(seen.state, seen.state.cards[about.call_id])
        blocks = [section(refusal), actions([button])]
        self._whispers.ask(click.channel, click.user, refusal, blocks, click.thread_ts)
        return True

    async def _click(self, about: Target, person: Person) -> Click:
        here = await self._log.look(about.thread_id)
        state, repo = fold(here.entries), self._repos[about.repo]
        return Click(state, repo, person, about.call_id, here.now, here.facts)

    async def _read(self, about: Target | None) -> State | None:
        if about is None or about.repo not in self._repos:
            return None
        entries = await self._log.read(about.thread_id)
        return fold(entries) if entries else None

    def _elsewhere(self, click: Clicked, state: State) -> str:
        """Say why a click does not reach its thread: another channel, or shadow mode."""
        repo = self._repos[state.repo]
        if state.shadow or repo.mode == "shadow":
            return in_shadow([repo]) or UNKNOWN_THREAD
        here = {state.channel}
        if click.action_id == "reviewed":  # what is to be reviewed stands in the repository's own
            here.add(self._repos[state.repo].channel)
        return "" if click.channel in here else OTHER_CHANNEL

    def answer(self, click: Clicked, text: str) -> None:
        """Tell who clicked something that nobody else sees."""
        if click.channel:
            self._whispers.tell(click.channel, click.user, text, click.thread_ts)


def _scope(action_id: str, about: Target) -> str:
    return "e2e" if action_id == "retry_e2e" else about.choice


def _thread_ts(state: State) -> str | None:
    return state.root_ts or state.slots.get("status", ("", None))[1]


def _approvers(repo: RepoConfig, state: State, about: Target) -> tuple[str, ...]:
    """Return whose click counts for what a button is about, where that is still configured."""
    names = clicks.services_of(state, about.call_id)
    known = (repo.approvers_of(name) for name in names if name in repo.production.targets)
    return tuple(dict.fromkeys(who for approvers in known for who in approvers))
