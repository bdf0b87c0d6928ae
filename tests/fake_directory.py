"""A chat that says who is who, can be away, and counts how often it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.people import Person, Roster, is_group


@dataclass
class FakeDirectory:
    """Knows members of groups, and people as what they are; anybody else is a plain person."""

    groups: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    away: bool = False
    asked: int = 0

    async def roster(self, approvers: Sequence[str]) -> Roster:
        self.asked += 1
        groups = [name for name in approvers if is_group(name)]
        users = [name for name in approvers if not is_group(name)]
        if self.away:
            why = "Slack did not answer"
            return Roster(unseen=tuple(users), unread=tuple(groups), why=why)
        members = [user for group in groups for user in self.groups.get(group, [])]
        found = dict.fromkeys([*users, *members])
        return Roster(
            people=tuple(self.people.get(user, Person(user)) for user in found),
            empty=tuple(group for group in groups if not self.groups.get(group)),
        )
