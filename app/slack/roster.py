"""Who stands behind a list of approvers, for a card: all asked at once, within 1.5 seconds.

A click does not go by it: `people` asks anew, and refuses where Slack does not answer.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from app.core.people import Person, Roster, is_group
from app.slack.answers import Answer, Members, Team, UserInfo
from app.slack.people import person_of
from app.slack.web import NO_ANSWER, Kind, SlackSilent, SlackWeb

ANSWER_SECONDS = 1.5
KEPT_SECONDS = 60.0
LOOKED_AT = 20
NOT_THERE = frozenset({"no_such_subteam", "user_not_found"})

# How each is asked for: the method, and what names whom it is about.
QUESTIONS: Mapping[type[Answer], tuple[str, str]] = MappingProxyType(
    {
        Members: ("usergroups.users.list", "usergroup"),
        UserInfo: ("users.info", "user"),
        Team: ("auth.test", ""),
    }
)


class SlackRoster:
    """The `Directory` on Slack's Web API; answers are kept a minute."""

    def __init__(
        self,
        token: str,
        api_url: str,
        monotonic: Callable[[], float],
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Use this Slack; `monotonic` counts seconds."""
        self._web = SlackWeb(token, api_url)
        self._monotonic = monotonic
        self._seconds = answer_seconds
        self._kept: dict[tuple[type[Answer], str], tuple[float, Answer]] = {}

    async def roster(self, approvers: Sequence[str]) -> Roster:
        """Ask who is in the groups, then who the first `LOOKED_AT` people are."""
        end = asyncio.get_running_loop().time() + self._seconds
        groups = [name for name in approvers if is_group(name)]
        members = await self._all(Members, groups, end)
        users = _people(approvers, members)
        seen = await self._seen(users[:LOOKED_AT], end)
        lost = [answer for answer in (*members.values(), *seen.values()) if isinstance(answer, str)]
        return Roster(
            people=tuple(person for person in seen.values() if isinstance(person, Person)),
            strangers=tuple(user for user, person in seen.items() if person in NOT_THERE),
            unseen=_lost(seen),
            unread=_lost(members),
            empty=tuple(group for group, answer in members.items() if _is_empty(answer)),
            more=len(users[LOOKED_AT:]),
            why=next((why for why in lost if why not in NOT_THERE), ""),
        )

    async def _seen(self, users: Sequence[str], end: float) -> dict[str, Person | str]:
        """Return who people are, or why nobody says so."""
        team, answers = await asyncio.gather(
            self._all(Team, [""], end), self._all(UserInfo, users, end)
        )
        own = team[""]
        seen: dict[str, Person | str] = {}
        for user, answer in answers.items():
            if isinstance(answer, str):
                seen[user] = answer
            else:
                seen[user] = own if isinstance(own, str) else person_of(user, answer.user, own)
        return seen

    async def _all(
        self, kind: type[Kind], about: Sequence[str], end: float
    ) -> dict[str, Kind | str]:
        """Ask all at once, and give up at the end of the time; a string is why there is none."""
        asked = {one: asyncio.ensure_future(self._ask(kind, one)) for one in about}
        if asked:
            left = max(0.0, end - asyncio.get_running_loop().time())
            _, late = await asyncio.wait(asked.values(), timeout=left)
            for task in late:
                task.cancel()
        return {one: task.result() if task.done() else NO_ANSWER for one, task in asked.items()}

    async def _ask(self, kind: type[Kind], about: str) -> Kind | str:
        until, kept = self._kept.get((kind, about), (0.0, None))
        if isinstance(kept, kind) and self._monotonic() < until:
            return kept
        method, argument = QUESTIONS[kind]
        try:
            answer = await self._web.call(kind, method, **({argument: about} if about else {}))
        except SlackSilent as error:
            return str(error)
        self._kept[kind, about] = (self._monotonic() + KEPT_SECONDS, answer)
        return answer


def _people(approvers: Sequence[str], members: Mapping[str, Members | str]) -> list[str]:
    """Return the users and the groups' members in order, each once."""
    found: list[str] = []
    for name in approvers:
        answer = members.get(name)
        found += [name] if answer is None else _members(answer)
    return list(dict.fromkeys(found))


def _members(answer: Members | str) -> Sequence[str]:
    return () if isinstance(answer, str) else answer.users


def _is_empty(answer: Members | str) -> bool:
    """Tell whether a group has no member, or is not there."""
    return answer in NOT_THERE if isinstance(answer, str) else not _members(answer)


def _lost(answers: Mapping[str, Members | Person | str]) -> tuple[str, ...]:
    """Return about whom nobody said anything."""
    said = answers.items()
    return tuple(one for one, why in said if isinstance(why, str) and why not in NOT_THERE)
