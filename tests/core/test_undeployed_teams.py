"""Two teams left something behind: each is asked about its own, and neither hides the other."""

from app.core import events as ev
from app.core import undeployed
from app.core.fold import fold
from app.core.ports import Write
from app.undeployed import LOOKED_AT
from tests.core.box import OLD, SHA
from tests.core.test_undeployed import NEWER, Scheduled
from tests.core.town import teams
from tests.fake_source import FakeSource
from tests.shop import REPO

OWN = "0a0a0a0" + "6" * 33  # what the pull request of SHA was on its own branch
OWN_TOO = "0b0b0b0" + "7" * 33  # and that of NEWER
CHANNELS = {"frontend": "C02WEB", "backend": "C03API"}


class Teams(Scheduled):
    """A box in which a merge touches the services whose files it changes."""

    def __init__(self) -> None:
        self.source = FakeSource([OLD, OWN, SHA, OWN_TOO, NEWER])
        self.source.parents = {SHA: (OLD, OWN), NEWER: (SHA, OWN_TOO)}
        production = teams().production
        services = {
            name: target.model_copy(update={"channel": CHANNELS[name]})
            for name, target in production.services.items()
        }
        changed = production.model_copy(update={"services": services})
        super().__init__(self.source, production=changed)

    async def touched(self, sha: str, *paths: str) -> None:
        """Merge a change of these files that passes staging, and leave it there."""
        self.source.changed = list(paths)
        await self.left(sha)

    async def questions(self) -> list[tuple[str, list[str]]]:
        """Return what is asked about, the newest question first."""
        ids = await self.log.threads(REPO, 10)
        found = [fold(await self.log.read(thread_id)).undeployed for thread_id in ids]
        return [(each.sha, sorted(each.was)) for each in found if each]

    async def lists(self, channel: str) -> list[tuple[int, str]]:
        """Return what the newest question in a channel lists: pull requests and commits."""
        ids = await self.log.threads(REPO, 10)
        states = [fold(await self.log.read(thread_id)) for thread_id in ids]
        newest = next(s.undeployed for s in states if s.undeployed and s.channel == channel)
        return [(merge.number, merge.sha) for merge in newest.merges]


async def both_left(box: Teams) -> None:
    box.source.changed = ["web/a", "api/a"]
    await box.shipped()
    await box.touched(SHA, "web/a")
    await box.touched(NEWER, "api/a")


async def test_one_teams_commits_do_not_hide_anothers() -> None:
    box = Teams()
    await both_left(box)
    assert await box.asks()
    assert await box.questions() == [(SHA, ["frontend"]), (NEWER, ["backend"])]
    assert not await box.asks()


async def test_each_question_is_asked_in_its_services_channel() -> None:
    box = Teams()
    await both_left(box)
    assert await box.asks()
    told = [fold(await box.log.read(each)) for each in await box.log.threads(REPO, 2)]
    assert [state.channel for state in told] == list(CHANNELS.values())


async def test_an_open_merge_of_other_services_is_not_in_the_way() -> None:
    box = Teams()
    box.source.changed = ["web/a", "api/a"]
    await box.shipped()
    await box.touched(SHA, "web/a")
    box.source.changed = ["api/a"]
    await box.merges(NEWER)
    assert (await box.card()).status == "pending"
    assert await box.asks()
    assert await box.questions() == [(SHA, ["frontend"])]


async def test_a_newer_question_takes_its_services_and_leaves_the_others() -> None:
    box = Teams()
    box.source.changed = ["web/a", "api/a"]
    await box.shipped()
    await box.touched(SHA, "web/a", "api/a")
    assert await box.asks()
    first = (await box.question()).thread_id
    await box.touched(NEWER, "api/a")
    assert await box.asks()
    assert await box.questions() == [(NEWER, ["backend"]), (SHA, ["backend", "frontend"])]
    box.thread_id = first
    await box.click(undeployed.deploy)
    assert (await box.card()).request.spec.tool == "deploy_frontend_to_prod"
    words = [each.text for each in (await box.state()).words]
    assert words == [f"deploy frontend {SHA[:12]}"]


async def test_a_question_lists_only_what_touches_its_services_each_merge_once() -> None:
    box = Teams()
    await both_left(box)
    assert await box.asks()
    assert await box.lists("C02WEB") == [(12, SHA)]
    assert await box.lists("C03API") == [(12, NEWER)]


async def test_what_another_team_left_is_not_listed_with_ones_own() -> None:
    box = Teams()
    box.source.changed = ["web/a", "api/a"]
    await box.shipped()
    await box.touched(SHA, "api/a")
    await box.touched(NEWER, "web/a")
    assert await box.asks()
    assert await box.lists("C02WEB") == [(12, NEWER)]
    assert await box.lists("C03API") == [(12, SHA)]


async def test_an_old_merge_is_known_though_many_threads_came_since() -> None:
    box = Teams()
    box.source.changed = ["web/a", "api/a"]
    await box.shipped()
    await box.touched(SHA, "web/a")
    old = ev.BotSaid(call_id="c", text="Hello", because="reply")
    for number in range(LOOKED_AT):
        await box.log.append(Write(f"{REPO}/{number}", [old]))
    await box.touched(NEWER, "web/a")
    assert await box.asks()
    assert await box.lists("C02WEB") == [(12, NEWER), (12, SHA)]
