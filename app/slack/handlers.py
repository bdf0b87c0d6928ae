"""What Slack delivers, handed to whoever it is for; acknowledged only once it is stored."""

import re
import secrets
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, cast

import structlog
from pydantic import ValidationError
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from app.body import RETRY_AFTER_SECONDS
from app.core import thread_clicks
from app.core.config import RepoConfig
from app.core.errors import Conflict, StoreUnavailable, UserError
from app.core.ports import Chat, ThreadLog
from app.slack.answers import Answer
from app.slack.asking import CALLBACKS, FORMS, Asking, field_of
from app.slack.clicking import GUARDED, OPEN, Clicking
from app.slack.commanding import Commanding
from app.slack.forms import home, waiting_line
from app.slack.hearing import Hearing
from app.slack.locking import Locking
from app.slack.payloads import Command, RepoChoice, Target, clicked, heard, session_stopped
from app.slack.people import SlackPeople
from app.slack.web import SlackWeb, silent
from app.slack.whispers import Whispers

STORE_GONE = "I could not reach my store, so nothing was recorded. Try again."

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Json = dict[str, Any]


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
    clicking = Clicking(repos, log, whispers, people)
    locking = Locking(log, whispers, people)
    _register(app, clicking, Handlers(repos, log, whispers, clicking, locking))
    return app


def _register(app: AsyncApp, clicking: Clicking, handlers: "Handlers") -> None:
    bolt = cast(Any, app)  # its registering methods are not typed
    for event in ("app_mention", "message"):
        bolt.event(event)(handlers.on_words)
    bolt.event("app_home_opened")(handlers.on_home)
    bolt.event("agent_session_stopped")(handlers.on_session_stopped)
    for action_id in (*OPEN, *GUARDED):
        bolt.action(action_id)(clicking.on_click)
    bolt.action(re.compile(r"^choose_\d+$"))(clicking.on_click)
    bolt.action(re.compile(r"^choose_repo_\d+$"))(handlers.on_repo)
    asking = Asking(clicking, handlers.whispers)
    for action_id in FORMS:
        bolt.action(action_id)(asking.on_button)
    for callback_id in CALLBACKS:
        bolt.view(callback_id)(asking.on_submission)
    bolt.command("/deploybot")(handlers.on_command)
    bolt.error(handlers.on_error)


class Handlers:
    """What is no click on a thread: words, the command, App Home, and failures."""

    def __init__(
        self,
        repos: Mapping[str, RepoConfig],
        log: ThreadLog,
        whispers: Whispers,
        clicking: Clicking,
        locking: Locking,
    ) -> None:
        self._repos = repos
        self.whispers = whispers
        self._clicking = clicking
        self._hearing = Hearing(repos, log, whispers, locking)
        self._commanding = Commanding(repos, log, self._hearing, locking)

    async def on_words(self, body: Json) -> None:
        """Hear a mention or a message."""
        words = heard(body)
        if words:
            await self._hearing.hear(words)

    async def on_repo(self, body: Json, ack: AsyncAck) -> None:
        """Start the thread for the repository that was asked for."""
        click = clicked(body)
        choice = RepoChoice.model_validate_json(click.value)
        answer = await self._hearing.choose_repo(click.user, click.channel, choice)
        if answer:
            self.whispers.tell(click.channel, click.user, answer, click.thread_ts)
        await ack()

    async def on_command(self, body: Json, ack: AsyncAck) -> None:
        """Answer the slash command."""
        command = Command.model_validate(body)
        answer = await self._commanding.answer(command)
        await ack(self.whispers.timed(command.channel_id, answer))

    async def on_home(self, event: Json) -> None:
        """Publish the waiting cards when somebody opens the home tab."""
        user = event.get("user")
        if event.get("tab") != "home" or not isinstance(user, str):
            return
        newest = await self._commanding.newest(list(self._repos.values()))
        told = ((state.channel, waiting_line(state)) for state in newest if state.pending)
        view = home([self.whispers.timed(*line) for line in told])
        publish = self.whispers.web.call(Answer, "views.publish", user_id=user, view=view)
        self.whispers.later(publish)

    async def on_session_stopped(self, body: Json) -> None:
        """Stop the thread whose agent session a person stopped."""
        stopped = session_stopped(body)
        thread_id = await self._hearing.find(stopped.channel, stopped.thread_ts)
        if thread_id:
            click = stopped.as_click(thread_id)
            await self._clicking.settle(click, Target(thread_id=thread_id), thread_clicks.stop)

    async def on_error(self, error: Exception, body: Json) -> BoltResponse:
        """Turn a failure into a status for Slack and an answer for the person."""
        answer = _failed(error)
        is_event = body.get("type") == "event_callback"
        if body.get("type") == "view_submission" and answer.status != 400:
            errors = {field_of(body): answer.body}
            return BoltResponse(status=200, body={"response_action": "errors", "errors": errors})
        if not is_event and answer.status != 400:
            self._tell_failure(body, answer.body)
        return BoltResponse(status=answer.status, body="" if answer.status >= 500 else answer.body)

    def _tell_failure(self, body: Json, text: str) -> None:
        if "command" in body:
            command = Command.model_validate(body)
            self.whispers.tell(command.channel_id, command.user_id, text)
            return
        click = clicked(body)
        self.whispers.tell(click.channel, click.user, text, click.thread_ts)


def _failed(error: Exception) -> BoltResponse:
    match error:
        case UserError():
            return BoltResponse(status=200, body=str(error))
        case ValidationError():
            return BoltResponse(status=400, body="A field is missing or has the wrong form.")
        case StoreUnavailable() | Conflict():
            _log.error("slack delivery not stored", error=type(error).__name__)
            later: dict[str, str | Sequence[str]] = {"retry-after": str(RETRY_AFTER_SECONDS)}
            return BoltResponse(status=503, body=STORE_GONE, headers=later)
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
