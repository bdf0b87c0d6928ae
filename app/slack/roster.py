"""Who stands behind a list of approvers, for a card: all asked at once, within 1.5 seconds.

A click does not go by it: `people` asks anew, and refuses where Slack does not answer.
"""

import asyncio
from collections.abc import Callable, Sequence

from app.core.people import Person, Roster, is_group
from app.slack.people import person_of
from app.slack.web import Json, SlackSilent, SlackWeb

ANSWER_SECONDS = 1.5
KEPT_SECONDS = 60.0
LOOKED_AT = 20
SILENT = "Slack did not answer"
NOT_THERE = frozenset({"no_such_subteam", "user_not_found"})
ARGUMENTS = {"usergroups.users.list": "usergroup", "users.info": "user"}

Key = tuple[str, str]
Answer = Json | str
"""What Slack said, or why it said nothing."""


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
        self._kept: dict[Key, tuple[float, Json]] = {}

    async def roster(self, approvers: Sequence[str]) -> Roster:
        """Ask who is in the groups, then who the first `LOOKED_AT` people are."""
        end = asyncio.get_running_loop().time() + self._seconds
        groups = [name for name in approvers if is_group(name)]
        members = await self._all("usergroups.users.list", groups, end)
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
            self._all("auth.test", [""], end), self._all("users.info", users, end)
        )
        own = team[""]
        seen: dict[str, Person | str] = {}
        for user, answer in answers.items():
            if isinstance(answer, str):
                seen[user] = answer
            else:
                told: Json = answer.get("user") or {}
                known = isinstance(own, dict)
                seen[user] = person_of(user, told, own.get("team_id")) if known else str(own)
        return seen

    async def _all(self, method: str, about: Sequence[str], end: float) -> dict[str, Answer]:
        """Ask all at once, and give up at the end of the time."""
        asked = {one: asyncio.ensure_future(self._ask(method, one)) for one in about}
        if asked:
            left = max(0.0, end - asyncio.get_running_loop().time())
            _, late = await asyncio.wait(asked.values(), timeout=left)
            for task in late:
                task.cancel()
        return {one: task.result() if task.done() else SILENT for one, task in asked.items()}

    async def _ask(self, method: str, about: str) -> Answer:
        until, kept = self._kept.get((method, about), (0.0, {}))
        if kept and self._monotonic() < until:
            return kept
        fields = {ARGUMENTS[method]: about} if about else {}
        try:
            answer = await self._web.call(method, **fields)
        except SlackSilent as error:
            return str(error)
        self._kept[method, about] = (self._monotonic() + KEPT_SECONDS, answer)
        return answer


def _people(approvers: Sequence[str], members: dict[str, Answer]) -> list[str]:
    """Return the users and the groups' members in order, each once."""
    found: list[str] = []
    for name in approvers:
        answer = members.get(name)
        found += [name] if answer is None else _members(answer)
    return list(dict.fromkeys(found))


def _members(answer: Answer) -> list[str]:
    return [] if isinstance(answer, str) else [str(user) for user in answer.get("users") or ()]


def _is_empty(answer: Answer) -> bool:
    """Tell whether a group has no member, or is not there."""
    return answer in NOT_THERE if isinstance(answer, str) else not _members(answer)


def _lost(answers: "dict[str, Answer] | dict[str, Person | str]") -> tuple[str, ...]:
    """Return about whom nobody said anything."""
    said = answers.items()
    return tuple(one for one, why in said if isinstance(why, str) and why not in NOT_THERE)
