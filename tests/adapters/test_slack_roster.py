"""Who stands behind a list of approvers, as Slack says at once, or what could not be asked."""

from collections.abc import AsyncGenerator

import pytest

from app.core.people import Person, Roster
from app.slack.roster import LOOKED_AT, SlackRoster
from app.slack.web import NO_ANSWER
from tests.adapters.slack_desk import SlackStub
from tests.shop import ALICE, BOB, CARA


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStub]:
    async with SlackStub.run() as stub:
        yield stub


class Clock:
    """Counts seconds, which pass only when they are told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def roster_of(slack: SlackStub, clock: Clock | None = None, seconds: float = 5) -> SlackRoster:
    return SlackRoster("xoxb-test", slack.url, clock or Clock(), seconds)


async def test_users_and_members_of_groups_are_named_once_in_their_order(slack: SlackStub) -> None:
    slack.groups["S0WEB"] = [ALICE, BOB]
    slack.users[ALICE] = {"profile": {"display_name": "", "real_name": "Alice A."}}
    slack.users[BOB] = {"name": "bob"}
    found = await roster_of(slack).roster([BOB, "S0WEB"])
    assert found == Roster(people=(Person(BOB, name="bob"), Person(ALICE, name="Alice A.")))


async def test_what_slack_says_of_people_is_told(slack: SlackStub) -> None:
    slack.users[ALICE] = {"deleted": True, "is_bot": True, "is_restricted": True}
    slack.users[BOB] = {"team_id": "T0OTHER", "is_ultra_restricted": True}
    slack.users[CARA] = {"profile": {"display_name": "cara", "status_emoji": ":palm_tree:"}}
    alice, bob, cara = (await roster_of(slack).roster([ALICE, BOB, CARA])).people
    assert (alice.deleted, alice.is_bot, alice.restricted) == (True, True, True)
    assert (bob.foreign, bob.ultra_restricted) == (True, True)
    assert cara == Person(CARA, name="cara", away=True)


async def test_who_is_not_there_and_groups_without_members_are_told(slack: SlackStub) -> None:
    slack.errors = {"U0GONE": "user_not_found", "S0GONE": "no_such_subteam"}
    found = await roster_of(slack).roster(["U0GONE", "S0GONE", "S0EMPTY", BOB])
    assert found.strangers == ("U0GONE",)
    assert found.empty == ("S0GONE", "S0EMPTY")
    assert [person.user_id for person in found.people] == [BOB]
    assert found.why == ""


async def test_of_many_members_only_the_first_are_looked_at(slack: SlackStub) -> None:
    slack.groups["S0ALL"] = [f"U{number}" for number in range(LOOKED_AT + 7)]
    found = await roster_of(slack).roster(["S0ALL"])
    assert (len(found.people), found.more) == (LOOKED_AT, 7)
    assert slack.count("users.info") == LOOKED_AT


async def test_what_slack_refuses_to_say_is_told_with_its_reason(slack: SlackStub) -> None:
    slack.errors = {"S0WEB": "missing_scope", BOB: "ratelimited"}
    found = await roster_of(slack).roster(["S0WEB", BOB, CARA])
    assert (found.unread, found.unseen) == (("S0WEB",), (BOB,))
    assert [person.user_id for person in found.people] == [CARA]
    assert found.why == "missing_scope"


@pytest.mark.parametrize("method", ["users.info", "auth.test"])
async def test_a_slack_that_hangs_stops_nothing(slack: SlackStub, method: str) -> None:
    slack.hanging = {method}
    slack.groups["S0WEB"] = [CARA]
    found = await roster_of(slack, seconds=0.3).roster([BOB, "S0WEB"])
    assert found == Roster(unseen=(BOB, CARA), why=NO_ANSWER)


async def test_when_the_time_is_over_for_groups_people_are_not_waited_for(slack: SlackStub) -> None:
    slack.hanging = {"usergroups.users.list"}
    found = await roster_of(slack, seconds=0.2).roster([BOB, "S0WEB"])
    assert found == Roster(unseen=(BOB,), unread=("S0WEB",), why=NO_ANSWER)


async def test_nobody_is_asked_about_nobody(slack: SlackStub) -> None:
    assert await roster_of(slack).roster([]) == Roster()


async def test_answers_are_kept_for_a_minute(slack: SlackStub) -> None:
    clock = Clock()
    slack.groups["S0WEB"] = [BOB]
    roster = roster_of(slack, clock)
    await roster.roster(["S0WEB"])
    asked = len(slack.calls)
    clock.seconds = 59
    await roster.roster(["S0WEB"])
    assert len(slack.calls) == asked
    clock.seconds = 61
    await roster.roster(["S0WEB"])
    assert len(slack.calls) == 2 * asked


async def test_what_was_refused_is_asked_again(slack: SlackStub) -> None:
    roster = roster_of(slack)
    slack.errors = {BOB: "ratelimited"}
    await roster.roster([BOB])
    slack.errors = {}
    assert (await roster.roster([BOB])).unseen == ()
