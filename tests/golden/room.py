"""A thread on a real store with the real worker; the target, the model and the clock are fakes."""

from typing import Any

from app.core import events as ev
from app.core import ledger
from app.core.config import RepoConfig, TargetConfig
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Deployer, Write
from app.core.state import State
from app.desk import Ports
from app.redis.log import RedisLog
from app.worker import Worker
from tests.core.box import ScriptedModel
from tests.fake_deployer import FakeDeployer
from tests.fake_workflows import STARTED, FakeWorkflows
from tests.shop import ALICE, BOB, REPO, repo_config
from tools.deployers.github_actions import GitHubActionsDeployer

SHA = "4af9ec0" + "1" * 33
THREAD = thread_id_for(REPO, "main", SHA)


class Room:
    """One thread of the shop, with verbs of a chat."""

    def __init__(self, log: RedisLog) -> None:
        self.log = log
        self.model = ScriptedModel()
        self.deployer = FakeDeployer()
        self.github = FakeWorkflows()
        self.worker = self._worker(repo_config())

    def _worker(self, config: RepoConfig) -> Worker:
        actions = GitHubActionsDeployer(workflows=self.github, clock=lambda: STARTED)
        deployers: dict[str, Deployer] = {"command": self.deployer, "github_actions": actions}
        ports = Ports(self.log, self.model, None, None, deployers)
        return Worker(ports, {REPO: config}, lease_seconds=30)

    def deploys_by_workflow(self) -> None:
        """Have production deployed by a workflow of GitHub's."""
        shop = repo_config()
        target = TargetConfig(deployer="github_actions", options={"workflow": "deploy.yml"})
        services = dict.fromkeys(shop.production.services, target)
        production = shop.production.model_copy(update={"services": services})
        self.worker = self._worker(shop.model_copy(update={"production": production}))

    async def merges(self) -> None:
        """Merge alice's pull request, and do all that follows."""
        pull = ev.PullRequest(
            number=12,
            title="Add gift cards",
            url="https://github.com/acme/shop/pull/12",
            author="alice",
            merged_by="alice",
        )
        started = ev.ThreadStarted(
            thread_id=THREAD,
            repo=REPO,
            branch="main",
            channel="C01DEPLOYS",
            origin="merge",
            sha=SHA,
            pull_request=pull,
        )
        await self.log.append(Write(THREAD, [started], dedupe=[f"merge:{SHA}"]))
        await self.settles()

    async def asks(self) -> None:
        """Come to the card of the backend."""
        self.model.will("deploy_backend_to_prod", sha=SHA, reason="first")
        await self.merges()

    async def does(self, *events: ev.Event) -> None:
        """Let a person do something, and the worker all that follows."""
        await self.records(*events)
        await self.settles()

    async def records(self, *events: ev.Event) -> None:
        """Let a person do something while no worker runs."""
        now = await self.log.now(REPO)
        await self.log.append(ledger.write(await self.state(), events, now))

    async def grant(self) -> ev.ApprovalGranted:
        """Return bob's approval of the card that waits."""
        card = (await self.state()).pending
        assert card is not None, "no card waits"
        request = card.request
        return ev.ApprovalGranted(call_id=request.call_id, spec_hash=request.spec_hash, user=BOB)

    async def says(self, text: str) -> None:
        """Let alice write in the thread."""
        await self.does(ev.HumanSaid(user=ALICE, text=text))

    async def settles(self) -> None:
        """Work until nothing is due."""
        while await self.worker.work_once():
            pass

    async def passes(self, ms: int) -> None:
        """Let time pass, and the worker work."""
        before: Any = await self.log.now(REPO)
        await self.sets_clock(before + ms)
        await self.settles()

    async def sets_clock(self, now: int) -> None:
        """Make it this time (milliseconds since the epoch)."""
        await self.log.set_offset(REPO, 0)
        await self.log.set_offset(REPO, now - await self.log.now(REPO))

    async def state(self) -> State:
        """Return what the thread adds up to."""
        return fold(await self.log.read(THREAD))

    @property
    def production(self) -> list[str]:
        """Return what happened on production."""
        return [what for what in self.deployer.effects if what.startswith("production")]
