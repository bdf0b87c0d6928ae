"""What Slack says about people and channels now; fails closed, knows nothing of what it is for."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from app.core.errors import UserError
from app.core.people import Person
from app.slack.web import Json, SlackSilent, SlackWeb

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
        self._kept: dict[tuple[str, str], tuple[float, Json]] = {}

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
        answer = await self._ask(key, "this channel", channel=channel)
        info: Json = answer.get("channel", {})
        flags = ("is_ext_shared", "is_org_shared", "is_pending_ext_shared")
        shared = any(info.get(flag) for flag in flags)
        if shared or not info:
            self._kept.pop(key, None)
        return shared or not info

    async def _flags(self, user_id: str) -> Person:
        key = ("users.info", user_id)
        user: Json = (await self._ask(key, "you", user=user_id)).get("user", {})
        own_team = (await self._ask(("auth.test", ""), "you")).get("team_id")
        person = person_of(user_id, user, own_team)
        if person != Person(user_id, name=person.name, away=person.away):
            self._kept.pop(key, None)
        return person

    async def _is_member(self, user_id: str, group: str) -> bool:
        key = ("usergroups.users.list", group)
        answer = await self._ask(key, "you", usergroup=group)
        is_member = user_id in answer.get("users", [])
        if not is_member:
            self._kept.pop(key, None)
        return is_member

    async def _ask(self, key: tuple[str, str], whom: str, **fields: str) -> Json:
        until, kept = self._kept.get(key, (0.0, {}))
        if kept and self._monotonic() < until:
            return kept
        try:
            answer = await self._web.call(key[0], **fields)
        except SlackSilent as error:
            raise UserError(
                f"I could not check {whom}: {error}. Nothing was recorded, try again."
            ) from error
        self._kept[key] = (self._monotonic() + KEPT_SECONDS, answer)
        return answer


def person_of(user_id: str, user: Json, own_team: object) -> Person:
    """Return what Slack's user object says.

    A holiday is the status that Slack itself offers for one; it is cleared when it expires.
    https://docs.slack.dev/reference/objects/user-object
    """
    team = user.get("team_id")
    profile: Json = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("name"))
    return Person(
        user_id=user_id,
        is_bot=bool(user.get("is_bot")) or user_id == "USLACKBOT",
        deleted=bool(user.get("deleted")),
        restricted=bool(user.get("is_restricted")),
        ultra_restricted=bool(user.get("is_ultra_restricted")),
        foreign=bool(user.get("is_stranger")) or (team is not None and team != own_team),
        name=str(next(filter(None, names), ""))[:80],
        away=profile.get("status_emoji") == HOLIDAY,
    )
