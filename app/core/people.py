"""What the chat says about people: who somebody is, and who stands behind a list of approvers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack says about a user now; a flag that Slack leaves out is not set.

    `groups` holds the user groups ("S…") of the asked ones that the person is in. `away`: their
    status says that they are on holiday.
    """

    user_id: str
    is_bot: bool = False
    deleted: bool = False
    restricted: bool = False
    ultra_restricted: bool = False
    foreign: bool = False
    groups: frozenset[str] = frozenset()
    name: str = ""
    away: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """Who stands behind users and user groups, in their order, each once.

    `unseen` are users of whom nobody could say who they are, `unread` are groups of which nobody
    could say who is in them; `why` says why. `strangers` are users that there are not, `empty` are
    groups without members. `more` is the number of people who were not looked at.
    """

    people: tuple[Person, ...] = ()
    strangers: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    more: int = 0
    why: str = ""


def is_group(slack_id: str) -> bool:
    """Tell whether an id is a user group's."""
    return slack_id.startswith("S")
