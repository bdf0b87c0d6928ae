"""Slack's answers of the Web API as our own values: the one place where their form is checked.

Whoever asked treats an answer of another form as a Slack that does not answer. A flag that is
absent, or null, is not set.
"""

import re
from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from slack_sdk.errors import SlackApiError

from app.slack.payloads import UserId

_CODE = re.compile(r"\w{1,80}", re.ASCII)
_LONGEST_AWAY_SECONDS = 3600

Flag = StrictBool | None
Ts = Annotated[str, Field(pattern=r"^[0-9]{1,20}\.[0-9]{1,20}$")]


class Answer(BaseModel):
    """An answer of which nothing is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, answer: object) -> Self:
        """Check an answer; raise `ValueError` where it is not as Slack documents it."""
        try:
            return cls.model_validate(answer)
        except ValidationError:
            raise ValueError("Slack's answer is not as documented") from None


class Team(Answer):
    """`auth.test`: whose token this is."""

    team_id: str = Field(min_length=1)


class Own(Answer):
    """`auth.test`: the bot's own name."""

    user: str | None = None


class Workspace(Answer):
    """`auth.test`: where the workspace is."""

    url: str


class Profile(Answer):
    """What people wrote about themselves."""

    display_name: str | None = None
    real_name: str | None = None
    status_emoji: str | None = None


class User(Answer):
    """A user object: https://docs.slack.dev/reference/objects/user-object."""

    id: UserId
    team_id: str | None = None
    name: str | None = None
    profile: Profile | None = None
    is_bot: Flag = None
    deleted: Flag = None
    is_restricted: Flag = None
    is_ultra_restricted: Flag = None
    is_stranger: Flag = None


class UserInfo(Answer):
    """`users.info`."""

    user: User


class Members(Answer):
    """`usergroups.users.list`."""

    users: tuple[UserId, ...]


class Channel(Answer):
    """A conversation object: https://docs.slack.dev/reference/objects/conversation-object."""

    id: str = Field(min_length=1)
    is_ext_shared: Flag = None
    is_org_shared: Flag = None
    is_pending_ext_shared: Flag = None
    is_member: Flag = None

    @property
    def is_shared(self) -> bool:
        """Tell whether people of other workspaces are in it."""
        return bool(self.is_ext_shared or self.is_org_shared or self.is_pending_ext_shared)


class ChannelInfo(Answer):
    """`conversations.info`."""

    channel: Channel


class Posted(Answer):
    """`chat.postMessage`."""

    ts: Ts


class Metadata(Answer):
    """What an app, not always this one, left in a message."""

    event_payload: dict[str, Any] | None = None


class Message(Answer):
    """A message of a channel or thread, of anybody."""

    ts: Ts
    metadata: Metadata | None = None
    blocks: tuple[dict[str, Any], ...] | None = None

    def carries(self, key: str) -> bool:
        """Tell whether it was posted with the key: in its metadata, or in a block's name."""
        payload = (self.metadata and self.metadata.event_payload) or {}
        names = [str(block.get("block_id", "")) for block in self.blocks or ()]
        return payload.get("key") == key or any(n.startswith(f"slot:{key}:") for n in names)


class Cursor(Answer):
    """Where the next page begins."""

    next_cursor: str | None = None


class Page(Answer):
    """`conversations.history` and `conversations.replies`."""

    messages: tuple[Message, ...]
    response_metadata: Cursor | None = None

    @property
    def next(self) -> str:
        """Return the cursor of the next page, "" on the last one."""
        return (self.response_metadata and self.response_metadata.next_cursor) or ""


def code_of(error: SlackApiError) -> str:
    """Return Slack's own code for what it refused; "" where the answer is not Slack's."""
    data: object = getattr(cast("object", error.response), "data", None)
    code = cast("dict[str, object]", data).get("error") if isinstance(data, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def seconds_away(said: str) -> int:
    """Return for how long `Retry-After` wants to be left alone: a second to an hour."""
    seconds = float(said) if said.isdecimal() else 0
    return int(min(max(1, seconds), _LONGEST_AWAY_SECONDS))
