"""A thread in a box: the real worker, core and tools on stateful fakes, with verbs of a chat."""

import json
from collections import deque
from typing import Any

from app.core import events as ev
from app.core import ledger
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.errors import ModelUnavailable
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Model, ModelAnswer, Source, Turn, Write
from app.core.state import State
from app.desk import Ports
from app.worker import Worker
from tests.fake_deployer import FakeDeployer
from tests.fake_directory import FakeDirectory
from tests.fakes import FakeLog
from tests.shop import BOB, REPO, repo_config

SHA = "4af9ec0" + "1" * 33
OLD = "0ddba11" + "2" * 33


class ScriptedModel:
    """Answers with the next line of a script; an empty script is a model that is down."""

    name = "scripted"

    def __init__(self) -> None:
        self.script: deque[ModelAnswer | Exception] = deque()
        self.turns: list[Turn] = []

    def will(self, tool: str, **arguments: Any) -> None:
        self.script.append(ModelAnswer(tool=tool, arguments=arguments, by=self.name))

    async def next_step(self, turn: Turn) -> ModelAnswer:
        self.turns.append(turn)
        if not self.script:
            raise ModelUnavailable("the script is at its end")
        answer = self.script.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer


class Box:
    """One repository, one thread, one worker."""

    def __init__(
        self,
        config: RepoConfig | None = None,
        model: Model | None = None,
        source: Source | None = None,
        planner: Model | None = None,
        log: FakeLog | None = None,
    ) -> None:
        self.config = config or repo_config()
        self.log = log or FakeLog()
        self.model = ScriptedModel()
        self.deployer = FakeDeployer()
        deployers = {"command": self.deployer}
        self.directory = FakeDirectory()
        self._ports = Ports(
            *(self.log, model or self.model, planner, source, deployers), directory=self.directory
        )
        self.configure(self.config)
        self.thread_id = ""

    def configure(self, config: RepoConfig) -> None:
        """Start the worker anew with another configuration."""
        self.config = config
        self.worker = Worker(self._ports, {REPO: config}, lease_seconds=30)

    async def merges(self, sha: str = SHA) -> None:
        """Merge a pull request, and let the worker do all that follows."""
        await self.starts(sha)
        await self.settles()

    async def starts(
        self,
        sha: str = SHA,
        number: int = 12,
        title: str = "Add gift cards",
        author: str = "alice",
        urgent_label: str = "",
        merged_by: str = "alice",
    ) -> None:
        """Merge a pull request."""
        self.thread_id = thread_id_for(REPO, "main", sha)
        pull_request = ev.PullRequest(
            number=number,
            title=title,
            url=f"https://github.com/acme/shop/pull/{number}",
            author=author,
            merged_by=merged_by,
        )
        started = ev.ThreadStarted(
            thread_id=self.thread_id,
            repo=REPO,
            branch="main",
            channel=self.config.channel,
            origin="merge",
            sha=sha,
            pull_request=pull_request,
            urgent_label=urgent_label,
        )
        index = [f"{ledger.PULL}|{number}"]
        write = Write(self.thread_id, [started], dedupe=[f"merge:{sha}"], index=index)
        await self.log.append(write)

    async def has_old_version(self) -> None:
        """Let production have run another version of the backend before."""
        fact = json.dumps({"sha": OLD, "thread": "acme/shop/0000000000", "at": 0})
        facts = {"running/backend": fact, "verified/backend": OLD}
        await self.log.append(Write("acme/shop/0000000000", [], facts=facts, silent=True))

    async def staged(self, sha: str) -> None:
        """Let a commit have passed staging in a thread that is gone."""
        line = {"kind": "staged", "sha": sha, "title": "", "thread": "acme/shop/0", "at": 0}
        write = Write("acme/shop/0000000000", [], history=[json.dumps(line)], silent=True)
        await self.log.append(write)

    async def is_asked_for(self, sha: str) -> None:
        """Let a person ask for a commit that passed staging, in a thread that is no merge's."""
        await self.staged(sha)
        await self.mentions("deploy the newest")

    async def mentions(self, text: str, user: str = "U01ALICE") -> None:
        self.thread_id = thread_id_for(REPO, "C01DEPLOYS", "1.1")
        started = ev.ThreadStarted(
            thread_id=self.thread_id,
            repo=REPO,
            branch="main",
            channel=self.config.channel,
            origin="mention",
            asked_by=user,
            root_ts="1.1",
        )
        said = ev.HumanSaid(user=user, text=text, ts="1.1")
        await self.log.append(Write(self.thread_id, [started, said]))
        await self.settles()

    async def does(self, *events: ev.Event) -> None:
        """Let a person do something, and the worker all that follows."""
        await self.did(*events)
        await self.settles()

    async def did(self, *events: ev.Event) -> None:
        """Let a person do something."""
        state = await self.state()
        await self.log.append(ledger.write(state, events, await self.log.now(REPO)))

    async def says(self, text: str, user: str = "U01ALICE") -> None:
        await self.does(ev.HumanSaid(user=user, text=text))

    async def approves(self, user: str = BOB) -> None:
        card = await self.card()
        request = card.request
        await self.does(
            ev.ApprovalGranted(call_id=request.call_id, spec_hash=request.spec_hash, user=user)
        )

    async def rejects(self, text: str = "", user: str = BOB) -> None:
        card = await self.card()
        await self.does(ev.ApprovalRejected(call_id=card.request.call_id, user=user, text=text))

    async def settles(self) -> None:
        """Work until nothing is due."""
        while await self.worker.work_once():
            pass

    async def later(self, ms: int) -> None:
        """Let time pass, and the worker work."""
        self.log.advance(ms)
        await self.settles()

    async def state(self) -> State:
        return fold(await self.log.read(self.thread_id))

    async def waits_for(self) -> tuple[str, str] | None:
        """Return the lock that the thread waits for, and which thread has it."""
        waits = (await self.state()).waits_for_lock
        return (waits.target, waits.holder) if waits else None

    async def card(self) -> Card:
        """Return the card that waits."""
        card = (await self.state()).pending
        assert card is not None, "no card waits"
        return card

    async def types(self) -> list[str]:
        return [entry.event.type for entry in await self.log.read(self.thread_id)]
