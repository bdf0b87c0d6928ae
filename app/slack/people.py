"""What Slack says about people and channels now; fails closed, knows nothing of what it is for."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from app.core.errors import UserError
from app.core.people import Person
from app.slack.answers import Answer, ChannelInfo, Members, Profile, Team, User, UserInfo
from app.slack.web import Kind, SlackSilent, SlackWeb

KEPT_SECONDS = 60.0
HOLIDAY = ":palm_tree:"


class SlackPeople:
    """Look people, user groups and channels up; an answer in a person's favour is kept a minute.

    Every method raises `UserError` with a sentence when Slack does not answer in two seconds.
    """

    def __init__(self, token: str, api_url: str, monotonic: Callable[[], float]) -> None:
        """Use this Slack; `monotonic` counts seconds."""
        self._web = SlackWeb(token, api_url)
        self._monotonic = monotonic
        self._kept: dict[tuple[str, str], tuple[float, Answer]] = {}

    async def person(self, user_id: str, approvers: Iterable[str]) -> Person:
        """Return the user's flags, and the first of the approving user groups the user is in."""
        listed = tuple(approvers)
        person = await self._flags(user_id)
        if user_id in listed:
            return person
        for group in (name for name in listed if name.startswith("S")):
            if await self._is_member(user_id, group):
                return replace(person, groups=frozenset({group}))
        return person

    async def is_shared(self, channel: str) -> bool:
        """Tell whether people of other workspaces are in the channel (Slack Connect)."""
        key = ("conversations.info", channel)
        info = await self._ask(ChannelInfo, key, "this channel", channel=channel)
        if info.channel.is_shared:
            self._kept.pop(key, None)
        return info.channel.is_shared

    async def _flags(self, user_id: str) -> Person:
        key = ("users.info", user_id)
        user = (await self._ask(UserInfo, key, "you", user=user_id)).user
        own = await self._ask(Team, ("auth.test", ""), "you")
        person = person_of(user_id, user, own)
        if person != Person(user_id, name=person.name, away=person.away):
            self._kept.pop(key, None)
        return person

    async def _is_member(self, user_id: str, group: str) -> bool:
        key = ("usergroups.users.list", group)
        is_member = user_id in (await self._ask(Members, key, "you", usergroup=group)).users
        if not is_member:
            self._kept.pop(key, None)
        return is_member

    async def _ask(self, kind: type[Kind], key: tuple[str, str], whom: str, **fields: str) -> Kind:
        until, kept = self._kept.get(key, (0.0, None))
        if isinstance(kept, kind) and self._monotonic() < until:
            return kept
        try:
            answer = await self._web.call(kind, key[0], **fields)
        except SlackSilent as error:
            raise UserError(
                f"I could not check {whom}: {error}. Nothing was recorded, try again."
            ) from error
        self._kept[key] = (self._monotonic() + KEPT_SECONDS, answer)
        return answer


def person_of(user_id: str, user: User, own: Team) -> Person:
    """Return what Slack's user object says.

    A holiday is the status that Slack itself offers for one; it is cleared when it expires.
    https://docs.slack.dev/reference/objects/user-object
    """
    profile = user.profile or Profile()
    names = (profile.display_name, profile.real_name, user.name)
    return Person(
        user_id=user_id,
        is_bot=bool(user.is_bot) or user_id == "USLACKBOT",
        deleted=bool(user.deleted),
        restricted=bool(user.is_restricted),
        ultra_restricted=bool(user.is_ultra_restricted),
        foreign=bool(user.is_stranger) or user.team_id not in (None, own.team_id),
        name=next(filter(None, names), "")[:80],
        away=profile.status_emoji == HOLIDAY,
    )
