"""What Slack delivers, handed to the thread it is about; acknowledged only once it is stored.

What a click means is decided in `core.clicks`; here it is read, its person looked up, appended.
"""

import re
import secrets
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import structlog
from pydantic import ValidationError
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from app.core import clicks, ledger
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import RepoConfig
from app.core.errors import Conflict, StoreUnavailable, UserError
from app.core.fold import fold
from app.core.policy import Person
from app.core.ports import Chat, ThreadLog
from app.core.state import State
from app.slack.forms import HELP, channels_line, feedback_form, home, waiting_line
from app.slack.hearing import TRIES, Hearing
from app.slack.payloads import (
    Clicked,
    Command,
    RepoChoice,
    Target,
    clicked,
    feedback,
    heard,
    target,
)
from app.slack.people import SlackPeople
from app.slack.text import inline
from app.slack.web import SlackSilent, SlackWeb, silent
from app.slack.whispers import Whispers

LISTED_THREADS = 20
UNKNOWN_THREAD = "I do not know this thread any more."
OTHER_CHANNEL = "This button belongs to another channel. Use the card in its own thread."
SHARED_CHANNEL = "This channel is shared with other workspaces, so nothing can be decided in it."
NO_WORDS = "Say what I should do instead."
NO_FORM = "I could not open the form. Write here what I should do instead, or press Reject."
STORE_GONE = "I could not reach my store, so nothing was recorded. Try again."

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


def build_app(
    token: str,
    api_url: str,
    repos: Mapping[str, RepoConfig],
    log: ThreadLog,
    chat: Chat,
    people: SlackPeople,
) -> AsyncApp:
    """Build the Bolt app; it asks Slack nothing until somebody clicks."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # The signature has been checked; asking auth.test first would lose events with Slack down.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    app = AsyncApp(
        name="deploybot",
        logger=silent,
        client=AsyncWebClient(base_url=api_url, timeout=3, logger=silent),
        authorize=authorize,
        signing_secret="",
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
        process_before_response=True,
    )
    whispers = Whispers(chat, SlackWeb(token, api_url))
    _register(app, Handlers(repos, log, whispers, people))
    return app


def _register(app: AsyncApp, handlers: "Handlers") -> None:
    bolt = cast(Any, app)  # its registering methods are not typed
    for event in ("app_mention", "message"):
        bolt.event(event)(handlers.on_words)
    bolt.event("app_home_opened")(handlers.on_home)
    bolt.event("agent_session_stopped")(handlers.on_session_stopped)
    for action_id in (*OPEN, *GUARDED):
        bolt.action(action_id)(handlers.on_click)
    bolt.action(re.compile(r"^choose_\d+$"))(handlers.on_click)
    bolt.action(re.compile(r"^choose_repo_\d+$"))(handlers.on_repo)
    bolt.action("reject_with_feedback")(handlers.on_form)
    bolt.view("feedback")(handlers.on_feedback)
    bolt.command("/deploybot")(handlers.on_command)
    bolt.error(handlers.on_error)


class Handlers:
    """One method for each kind of delivery."""

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
        self._hearing = Hearing(repos, log, whispers)

    async def on_words(self, body: Json) -> None:
        """Hear a mention or a message."""
        words = heard(body)
        if words:
            await self._hearing.hear(words)

    async def on_click(self, body: Json, ack: AsyncAck) -> None:
        """Append what a button means, then say why not if it means nothing."""
        click = clicked(body)
        about = target(click.value)
        if about is None or about.repo not in self._repos:
            self._answer(click, UNKNOWN_THREAD)
        else:
            decide = GUARDED.get(click.action_id) or OPEN.get(click.action_id) or clicks.choose
            guarded = click.action_id in GUARDED
            text = _scope(click.action_id, about)
            refusal = await self._settle(click, about, decide, text, guarded)
            if refusal:
                self._answer(click, refusal)
        await ack()

    async def on_repo(self, body: Json, ack: AsyncAck) -> None:
        """Start the thread for the repository that was asked for."""
        click = clicked(body)
        choice = RepoChoice.model_validate_json(click.value)
        answer = await self._hearing.choose_repo(click.user, click.channel, choice)
        if answer:
            self._answer(click, answer)
        await ack()

    async def on_form(self, body: Json, ack: AsyncAck) -> None:
        """Open the feedback form, while the trigger still counts."""
        click = clicked(body)
        about = target(click.value)
        state = await self._read(about)
        refusal = UNKNOWN_THREAD
        if about and state:
            refusal = _elsewhere(click, state)
            decision = clicks.may_reject(await self._click(state, about, Person(click.user)))
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
        refusal = await self._settle(click, about, clicks.reject, typed.text, False)
        if refusal:
            yours = inline(typed.text, 1500)
            self._answer(click, f"{refusal} Your words were not passed on: “{yours}”")
        await ack()

    async def on_command(self, body: Json, ack: AsyncAck) -> None:
        """Answer `/deploybot help` and `/deploybot status`."""
        command = Command.model_validate(body)
        if command.text.strip().lower() != "status":
            await ack(HELP)
            return
        repos = self._hearing.repos_of(command.channel_id)
        if not repos:
            await ack(channels_line(list(self._repos.values())))
            return
        lines = [waiting_line(state) for state in await self._newest(repos)]
        waiting = [f"• {line}" for line in lines if line]
        await ack("\n".join(waiting)[:3000] or "Nothing waits for anybody here.")

    async def on_home(self, event: Json) -> None:
        """Publish the waiting cards when somebody opens the home tab."""
        user = event.get("user")
        if event.get("tab") != "home" or not isinstance(user, str):
            return
        view = home([s for s in await self._newest(list(self._repos.values())) if s.pending])
        self._whispers.later(self._whispers.web.call("views.publish", user_id=user, view=view))

    async def on_session_stopped(self, event: Json) -> None:
        """Stop the thread whose agent session a person stopped."""
        user, channel = event.get("user"), event.get("channel") or event.get("channel_id")
        ts = event.get("thread_ts")
        if not all(isinstance(part, str) and part for part in (user, channel, ts)):
            return
        thread_id = await self._hearing.find(str(channel), str(ts))
        if thread_id:
            click = Clicked(
                user=str(user),
                channel=str(channel),
                thread_ts=str(ts),
                action_id="stop",
                value=thread_id,
                trigger_id="",
            )
            await self._settle(click, Target(thread_id=thread_id), clicks.stop, "", False)

    async def on_error(self, error: Exception, body: Json) -> BoltResponse:
        """Turn a failure into a status for Slack and an answer for the person."""
        answer = _failed(error)
        is_event = body.get("type") == "event_callback"
        if body.get("type") == "view_submission":
            errors = {"feedback": answer.body}
            return BoltResponse(status=200, body={"response_action": "errors", "errors": errors})
        if not is_event and answer.status != 400:
            self._tell_failure(body, answer.body)
        return BoltResponse(status=answer.status, body="" if answer.status >= 500 else answer.body)

    def _tell_failure(self, body: Json, text: str) -> None:
        try:
            self._answer(clicked(body), text)
        except ValidationError:  # a slash command: its answer goes where it was given
            command = Command.model_validate(body)
            self._whispers.tell(command.channel_id, command.user_id, text)

    async def _settle(
        self, click: Clicked, about: Target, decide: Decide, text: str, guarded: bool
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
            now_click = replace(await self._click(state, about, person), text=text)
            decision = decide(now_click)
            if isinstance(decision, Refused):
                return decision.sentence
            if await self._appended(state, decision, now_click.now):
                return ""
        raise Conflict(about.thread_id)

    async def _appended(self, state: State, decision: Accepted, now: int) -> bool:
        try:
            await self._log.append(ledger.write(state, decision.events, now, state.version))
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

    async def _click(self, state: State, about: Target, person: Person) -> Click:
        repo = self._repos[about.repo]
        now, facts = await self._log.now(repo.name), await self._log.facts(repo.name)
        return Click(state, repo, person, about.call_id, now, facts)

    async def _read(self, about: Target | None) -> State | None:
        if about is None or about.repo not in self._repos:
            return None
        entries = await self._log.read(about.thread_id)
        return fold(entries) if entries else None

    async def _newest(self, repos: list[RepoConfig]) -> list[State]:
        ids = [
            thread_id
            for repo in repos
            for thread_id in await self._log.threads(repo.name, LISTED_THREADS)
        ]
        return [fold(await self._log.read(thread_id)) for thread_id in ids]

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


def _failed(error: Exception) -> BoltResponse:
    match error:
        case UserError():
            return BoltResponse(status=200, body=str(error))
        case ValidationError():
            return BoltResponse(status=400, body="A field is missing or has the wrong form.")
        case StoreUnavailable() | Conflict():
            _log.error("slack delivery not stored", error=type(error).__name__)
            return BoltResponse(status=503, body=STORE_GONE)
        case _:
            error_id = secrets.token_hex(4)
            frames = "".join(traceback.format_tb(error.__traceback__))  # no values, no body
            _log.error(
                "slack delivery failed",
                error_id=error_id,
                error=type(error).__name__,
                frames=frames,
            )
            text = f"Something unexpected happened, so this may not have counted (id {error_id})."
            return BoltResponse(status=500, body=text)
