"""Slack's payloads as our own values, checked at the door; knows nothing of what they lead to."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.core.untrusted import clean, cut, masked
from app.slack.text import decode

MAX_WORDS = 4000
# Words that a person sends, and not an edit, a join or another bot's message.
_WORDS = frozenset({None, "thread_broadcast", "file_share"})
_TARGET = re.compile(r"([^/:\s]+/[^/:\s]+/[^/:\s]+)(?::([^:\s]+))?(?::(\d+))?")

Json = dict[str, Any]
# A person's id comes to stand between < and >, where anything else could mean more than a person.
UserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]*$")]


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Id(_Payload):
    id: str = Field(min_length=1)


class _User(_Payload):
    id: UserId


class _Authorization(_Payload):
    user_id: str = ""


class _Message(_Payload):
    type: str
    channel: str
    ts: str
    user: UserId | None = None
    text: str | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    channel_type: str = ""


class _MessageEvent(_Payload):
    event_id: str = Field(min_length=1)
    event: _Message
    authorizations: tuple[_Authorization, ...] = ()


class Heard(_Payload):
    """What a person wrote; `text` is what the person saw, without the mention of the bot."""

    event_id: str
    channel: str
    user: str
    text: str
    ts: str
    thread_ts: str | None = None
    is_mention: bool = False
    is_direct: bool = False

    @property
    def root_ts(self) -> str:
        """Return the message that the Slack thread hangs on: its own where there is none yet."""
        return self.thread_ts or self.ts

    @property
    def keys(self) -> tuple[str, str]:
        """Return what this message is known by: a mention arrives as two events."""
        return f"slack:{self.event_id}", f"slack:{self.channel}|{self.ts}"


class _Container(_Payload):
    thread_ts: str | None = None


class _ClickedMessage(_Payload):
    thread_ts: str | None = None


class _Action(_Payload):
    action_id: str
    value: str = ""


class _BlockActions(_Payload):
    user: _User
    channel: _Id | None = None
    container: _Container = _Container()
    message: _ClickedMessage = _ClickedMessage()
    actions: tuple[_Action, ...] = Field(min_length=1)
    trigger_id: str = ""


class Clicked(_Payload):
    """A pressed button; `channel` is empty where the button stood in no channel."""

    user: str
    channel: str
    thread_ts: str | None
    action_id: str
    value: str
    trigger_id: str


class Target(_Payload):
    """What a button or a form is about."""

    thread_id: str
    call_id: str = ""
    choice: str = ""

    @property
    def repo(self) -> str:
        """Return the repository of the thread."""
        return self.thread_id.rpartition("/")[0]


class SessionStopped(_Payload):
    """A person pressed Slack's own stop button of an agent session."""

    user: UserId
    channel: str
    thread_ts: str

    def as_click(self, thread_id: str) -> Clicked:
        """Return the press of the stop button of a thread that it amounts to."""
        return Clicked(
            user=self.user,
            channel=self.channel,
            thread_ts=self.thread_ts,
            action_id="stop",
            value=thread_id,
            trigger_id="",
        )


class _SessionEvent(_Payload):
    event: SessionStopped


class _Input(_Payload):
    value: str | None = None


class _Values(_Payload):
    values: dict[str, dict[str, _Input]]


class _View(_Payload):
    private_metadata: str = ""
    state: _Values


class _Submission(_Payload):
    user: _User
    view: _View


class Typed(_Payload):
    """A submitted form of one field: who typed what, and the value of the button before it."""

    user: str
    value: str
    text: str


class Command(_Payload):
    """A slash command."""

    user_id: UserId
    channel_id: str
    text: str = ""
    trigger_id: str = ""


class RepoChoice(_Payload):
    """The button that says for which repository a person's words were meant; it carries them."""

    repo: str
    ts: str
    root: str
    text: str


def heard(body: Json) -> Heard | None:
    """Read a `message` or `app_mention` event; None if no person said anything by it."""
    payload = _MessageEvent.model_validate(body)
    event = payload.event
    if event.subtype not in _WORDS or event.bot_id or not event.user:
        return None
    bot = payload.authorizations[0].user_id if payload.authorizations else ""
    is_mention = event.type == "app_mention"
    return Heard(
        event_id=payload.event_id,
        channel=event.channel,
        user=event.user,
        text=words_of(_without(bot, event.text or "", is_mention)),
        ts=event.ts,
        thread_ts=event.thread_ts,
        is_mention=is_mention,
        is_direct=event.channel_type == "im",
    )


def words_of(text: str) -> str:
    """Return a person's words as they are stored: decoded, harmless, without secrets, cut."""
    return cut(masked(clean(decode(text))).strip(), MAX_WORDS)


def clicked(body: Json) -> Clicked:
    """Read a `block_actions` payload."""
    payload = _BlockActions.model_validate(body)
    action = payload.actions[0]
    return Clicked(
        user=payload.user.id,
        channel=payload.channel.id if payload.channel else "",
        thread_ts=payload.message.thread_ts or payload.container.thread_ts,
        action_id=action.action_id,
        value=action.value,
        trigger_id=payload.trigger_id,
    )


def session_stopped(body: Json) -> SessionStopped:
    """Read an `agent_session_stopped` event."""
    return _SessionEvent.model_validate(body).event


def typed(body: Json, field: str) -> Typed:
    """Read the submission of a form of one field: its block's and its action's id."""
    payload = _Submission.model_validate(body)
    typed = payload.view.state.values.get(field, {}).get(field, _Input()).value
    # What is typed into a form is not encoded as messages are.
    text = cut(masked(clean(typed or "")).strip(), MAX_WORDS)
    return Typed(user=payload.user.id, value=payload.view.private_metadata, text=text)


def target(value: str) -> Target | None:
    """Read a button's value, "<thread_id>", "<thread_id>:<call_id>" or with a choice's number."""
    match = _TARGET.fullmatch(value)
    if match is None:
        return None
    thread_id, call_id, choice = match.groups(default="")
    return Target(thread_id=thread_id, call_id=call_id, choice=choice)


def _without(bot: str, text: str, is_mention: bool) -> str:
    if bot:
        return re.sub(rf"(?<!\s)\s*<@{re.escape(bot)}(?:\|[^<>]*)?>[,:]?", " ", text)
    return re.sub(r"^\s*<@[A-Z0-9]+(?:\|[^<>]*)?>", "", text) if is_mention else text
