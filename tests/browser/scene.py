"""The shop as the pictures show it: the service's own worker, planner and clicks decide what is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.core import clicks
from app.core.clicks import Click, Decision
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.events import Attempt
from app.core.fold import fold
from app.core.people import Person
from app.core.ports import Observation
from app.core.spec import Environment
from app.demo.local_slack import ALICE, BOB, CARA
from app.model.offline import OfflinePlanner
from app.slack.blocks import Message
from app.slack.messages import render
from app.undeployed import UndeployedWatch
from tests.core.town import Town
from tests.day.shop import Branch
from tests.fake_calendar import freeze
from tests.fake_deployer import FakeDeployer
from tests.fakes import FakeLog
from tests.shop import REPO, repo_config

START = 1_800_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
OLD, NEW, NEXT = "1111111" + "0" * 33, "4af9ec0" + "0" * 33, "c0ffee1" + "0" * 33
PEOPLE = {"alice": ALICE.id, "bob": BOB.id, "cara": CARA.id}
API, WEB = "api/gift_cards.py", "web/gift_cards.html"
WEEKEND = freeze(START, START + 60 * HOUR, "no deploys at weekends")
TESTS = "1 of 42 tests failed"
MIGRATION = "db/0042_gift_cards.sql"


class Targets(FakeDeployer):
    """Targets on which everything takes 11 seconds, and which are called as a script would be."""

    def __init__(self, log: FakeLog) -> None:
        super().__init__()
        self._log = log

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        seen = await super().observe(attempt, reference)
        if seen.status != "running":
            self._log.advance(11_000)
        return replace(seen, seconds=11.0)

    def arguments(
        self, options: Any, service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        return {"argv": ["./ship", service or "e2e", environment, sha]}


@dataclass(frozen=True)
class Merge:
    """A pull request that its author merged."""

    sha: str = NEW
    number: int = 12
    title: str = "Add gift cards"
    author: str = "alice"
    files: tuple[str, ...] = (API,)


SEARCH = Merge(OLD, 7, "Sort the search results", "alice", (API, WEB))
GIFT_CARDS = Merge()
BOTH = Merge(files=(API, WEB))
CACHING = Merge(NEXT, 14, "Caching", "bob", ("api/orders.py",))
PRICES = Merge("5eed5ed" + "0" * 33, 15, "Prices with tax", "cara", ("api/prices.py",))


def shop(**changes: Any) -> RepoConfig:
    """Configure the shop: the frontend's files, the backend's files, and a migration."""
    target = TargetConfig(deployer="command", options={})
    services = {
        "frontend": target.model_copy(update={"paths": ("web/**",)}),
        "backend": target.model_copy(update={"paths": ("api/**", "db/**")}),
    }
    migrate = target.model_copy(update={"before": "backend", "paths": ("db/**",)})
    production = EnvironmentConfig(e2e=target, services=services, jobs={"migrate": migrate})
    values: dict[str, Any] = {"people": PEOPLE, "production": production}
    return repo_config(**(values | changes))


class Scene(Town):
    """A thread of the shop, whose production runs an older version."""

    def __init__(self, config: RepoConfig) -> None:
        self.branch = Branch()
        super().__init__(config, model=OfflinePlanner(), source=self.branch)
        self.deployer = Targets(self.log)
        self._ports = replace(self._ports, deployers={"command": self.deployer})

    async def sees_merged(self, merge: Merge) -> None:
        """Merge a pull request, and let the worker do all that follows."""
        self.log.advance(1000)
        files = list(merge.files)
        self.branch.add(merge.sha, merge.title, merge.author, merge.number, files)
        pull = (merge.sha, merge.number, merge.title, merge.author)
        await self.starts(*pull, merged_by=merge.author)
        await self.settles()

    def will(self, what: str, status: Any, summary: str = "", **more: Any) -> None:
        """Let the next attempt at something end like this, or go on if it is running."""
        self.deployer.prepare(what, Observation(status, summary, **more))

    async def has_clicked(
        self,
        decide: Callable[[Click], Decision] = clicks.approve,
        user: str = CARA.id,
        text: str = "",
        about: str = "",
    ) -> None:
        """Press a button of the newest card, or of what it is about."""
        here = await self.log.look(self.thread_id)
        state = fold(here.entries)
        call_id = about or next(reversed(state.cards), "")
        person = Person(user)
        click = Click(state, self.config, person, call_id, here.now, here.facts, text)
        await self.takes(click, decide(click))

    async def is_asked_about_the_rest(self) -> None:
        """Let the schedule ask about what is not on production, and go on in its thread."""
        watch = UndeployedWatch(self.log, self.branch, {REPO: self.config})
        assert await watch.ask_if_due(self.config)
        [self.thread_id] = await self.log.threads(REPO, 1)

    async def shows(self) -> dict[str, Message]:
        """Render the thread as it is now."""
        facts, now = await self.log.facts(REPO), await self.log.now(REPO)
        return render(await self.state(), self.config, now, facts)


async def opened(config: RepoConfig | None = None) -> Scene:
    """Open the shop, in which an older version was shipped under the usual rules."""
    made = Scene(shop())
    made.configure(shop())
    await made.sees_merged(SEARCH)
    for _ in ("frontend", "backend"):
        await made.has_clicked()
    made.configure(config or shop())
    return made


async def scene(*merges: Merge, config: RepoConfig | None = None) -> Scene:
    """Open the shop, and merge pull requests."""
    made = await opened(config)
    for merge in merges or (GIFT_CARDS,):
        await made.sees_merged(merge)
    return made
