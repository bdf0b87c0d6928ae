"""Slack is gone for an hour: deploys go on, and its return shows what is, not what was."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from string import ascii_lowercase

from app.core import events as ev
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.ports import Observation
from app.slack.outage import FAILURES
from tests.fakes import FakeMessage
from tests.faults.slack_town import Town
from tests.shop import CARA, repo_config

HOUR = 3600
# A call takes 0.1 s, and four are under way at a time: here, one after the other.
LATENCY = 0.025
MERGES = 8
TARGET = TargetConfig(deployer="command", options={})
BACKEND = EnvironmentConfig(e2e=TARGET, services={"backend": TARGET})


def shops(count: int, each: int) -> list[RepoConfig]:
    """Configure shops of one service, so many in each channel."""
    return [
        repo_config(
            name=f"acme/shop{n}{ascii_lowercase[m]}",
            channel=f"C{n:02}SHOP",
            staging=BACKEND,
            production=BACKEND,
        )
        for n in range(count)
        for m in range(each)
    ]


@asynccontextmanager
async def town_of(count: int, each: int = 1) -> AsyncGenerator[Town]:
    async with Town.run(*shops(count, each)) as town:
        town.slack.latency = LATENCY
        yield town


async def running(town: Town) -> list[str]:
    """Have a deploy to production run in a shop of every channel, approved by a person."""
    firsts = {repo.channel: repo for repo in reversed(town.repos.values())}
    threads = [await town.merges(repo, 1) for repo in firsts.values()]
    await town.later(10)
    town.deployer.prepare("production backend", Observation(status="running"))
    for thread_id in threads:
        await town.approves(thread_id)
    await town.later(10)
    assert await town.behind() == []
    return threads


async def merge(town: Town, each: int) -> list[str]:
    """Merge so many pull requests in every shop."""
    return [await town.merges(repo, 2 + n) for repo in town.repos.values() for n in range(each)]


def words(messages: Sequence[FakeMessage]) -> list[str]:
    """Return what messages say."""
    return [message.words for message in messages]


async def test_after_an_hour_without_slack_everything_is_current_within_60_s() -> None:
    async with town_of(8, each=8) as town:  # merges of one shop would ship each other
        approved = await running(town)
        before = len(town.slack.messages)

        await town.proxy.go()
        await town.later(60, tick=1)
        town.deployer.prepared.clear()
        merged = await merge(town, each=1)
        await town.later(HOUR, tick=1)

        for thread_id in approved:
            tests = (await town.state(thread_id)).verification
            assert tests is not None
            assert tests.passed, "what was approved went to its end"
        assert all([(await town.state(thread_id)).pending for thread_id in merged])
        assert len(town.slack.messages) == before

        await town.proxy.come_back()
        assert await town.seconds_until_current() <= 60

        late = town.slack.messages[before:]
        assert len(late) == 200
        assert town.twice() == []
        assert all(len(message.versions) == 1 for message in late), "something was outdated"


async def test_slack_that_answers_503_is_gone_too() -> None:
    async with town_of(2) as town:
        await running(town)
        town.slack.is_broken = True
        await merge(town, each=3)
        calls = len(town.slack.asked)
        await town.later(600, tick=1)
        assert len(town.slack.asked) - calls <= 600 / 2 + 10, "asked once in two seconds"

        town.slack.is_broken = False
        assert await town.seconds_until_current() <= 60
        assert town.twice() == []


async def test_a_short_outage_of_few_threads_is_over_within_30_s() -> None:
    async with town_of(1) as town:
        await town.proxy.go()
        await merge(town, each=1)
        await town.later(300, tick=1)
        await town.proxy.come_back()

        assert await town.seconds_until_current() <= 10


async def test_an_outage_leaves_no_thread_to_be_looked_for() -> None:
    async with town_of(2) as town:
        await town.proxy.go()
        threads = await merge(town, each=6)
        await town.later(120, tick=1)

        marks = [mark for t in threads for mark in (await town.log.sent(t)).values()]
        assert len(marks) <= FAILURES


async def test_who_reads_after_an_outage_is_called_for_what_is_open_alone() -> None:
    async with town_of(1) as town:
        await town.proxy.go()
        (stopped,) = await merge(town, each=1)
        await town.later(10)
        await town.does(stopped, ev.StopRequested(user=CARA))
        await town.later(10)
        await town.proxy.come_back()
        await town.seconds_until_current()

        status, staging = words(town.slack.messages)
        assert f"stopped by <@{CARA}>" in status
        assert "Staging" in staging


async def test_a_single_channel_takes_a_second_for_each_message() -> None:
    merges = 20
    async with town_of(1, each=merges) as town:
        await town.proxy.go()
        await merge(town, each=1)
        await town.later(120, tick=1)
        await town.proxy.come_back()

        took = await town.seconds_until_current()
        assert len(town.slack.messages) == 3 * merges
        assert took <= 3 * merges + 5
