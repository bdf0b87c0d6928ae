"""Several merges in one box: who is tested, who asks, who ships whom."""

import json
from typing import Any

from app.core import clicks, lane_clicks, lanes, ledger, thread_clicks
from app.core import events as ev
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.policy import Person
from app.core.ports import Observation, Write
from app.core.state import State
from app.model.offline import OfflinePlanner
from app.slack.blocks import Message
from app.slack.messages import render
from tests import payloads
from tests.core.box import OLD, Box
from tests.fake_source import FakeSource
from tests.shop import CARA, REPO, repo_config

SHAS = [f"{number}" * 40 for number in range(1, 8)]
ONE, TWO, THREE, FOUR = SHAS[:4]
DORA = "U0DORA"
STAGES_ONE = "staging frontend"
RUNS = Observation(status="running")


class Town(Box):
    """A box in which several pull requests are merged, #1 with the first SHA and so on."""

    def thread_of(self, sha: str) -> str:
        return thread_id_for(REPO, "main", sha)

    async def merged(self, *shas: str, label: str = "", author: str = "bob") -> None:
        """Merge pull requests, a second apart, and let the worker do what follows."""
        for sha in shas:
            self.log.advance(1000)
            await self.opens(sha, label, author)
            await self.settles()

    async def opens(self, sha: str, label: str = "", author: str = "bob") -> None:
        number = SHAS.index(sha) + 1
        await self.starts(
            sha, number=number, title=f"Change {number}", author=author, urgent_label=label
        )

    async def runs_old(self) -> None:
        """Let production run the oldest commit."""
        fact = json.dumps({"sha": OLD, "thread": f"{REPO}/0", "at": 0})
        facts = {"running/frontend": fact, "running/backend": fact}
        await self.log.append(Write(f"{REPO}/0", [], facts=facts, silent=True))

    async def posts_card(self, sha: str) -> None:
        """Show the newest card of a merge, as Slack does; the thread is the one that goes on."""
        self.thread_id = self.thread_of(sha)
        slot = next(reversed((await self.state()).cards.values())).slot
        await self.does(ev.MessagePosted(slot=slot, channel="C01DEPLOYS", ts="2.1"))

    async def of(self, sha: str) -> State:
        return fold(await self.log.read(self.thread_of(sha)))

    async def stage(self, sha: str) -> str | None:
        return lanes.stage_of(await self.of(sha), self.config)

    async def messages(self, sha: str) -> dict[str, Message]:
        """Return every message of a merge's thread."""
        facts, now = await self.log.facts(REPO), await self.log.now(REPO)
        return render(await self.of(sha), self.config, now, facts)

    async def said(self, sha: str) -> dict[str, str]:
        """Return what every message of a merge's thread says."""
        return self._words(await self.messages(sha))

    async def said_here(self) -> dict[str, str]:
        """Return what every message of the thread says that goes on."""
        facts, now = await self.log.facts(REPO), await self.log.now(REPO)
        return self._words(render(await self.state(), self.config, now, facts))

    def _words(self, messages: dict[str, Message]) -> dict[str, str]:
        for message in messages.values():
            payloads.check(message.text, message.blocks)
        return {slot: payloads.words(m.text, m.blocks) for slot, m in messages.items()}

    async def card_says(self, sha: str) -> str:
        """Return what the newest card of a merge's thread says."""
        return [words for slot, words in (await self.said(sha)).items() if "card:" in slot][-1]

    async def click(self, sha: str, number: int = 0, user: str = CARA, text: str = "") -> Click:
        here = await self.log.look(self.thread_of(sha))
        state = fold(here.entries)
        call_id = next(reversed(state.cards), "")
        return Click(
            state, self.config, Person(user), call_id, here.now, here.facts, text or str(number)
        )

    async def no_words(self) -> Click:
        """Return a click without words on the thread that was looked at last."""
        here = await self.log.look(self.thread_id)
        state = fold(here.entries)
        call_id = next(reversed(state.cards))
        return Click(state, self.config, Person(CARA), call_id, here.now, here.facts)

    async def takes(self, click: Click, decision: Decision) -> None:
        """Write what a click came to, as the handlers do."""
        assert isinstance(decision, Accepted), decision
        write = ledger.write(
            click.state, decision.events, click.now, click.state.version, expects=decision.expects
        )
        await self.log.append(write)
        await self.settles()

    async def presses(self, what: str, sha: str, number: int = 0, user: str = CARA) -> None:
        click = await self.click(sha, number, user)
        await self.takes(click, PRESS[what](click))

    async def turns_down(self, sha: str) -> None:
        """Let cara reject the card of a merge without words; the thread is the one that goes on."""
        self.thread_id = self.thread_of(sha)
        click = await self.no_words()
        await self.takes(click, clicks.reject(click))

    async def refusal(self, what: str, sha: str, number: int = 0) -> str:
        refused = PRESS[what](await self.click(sha, number))
        assert isinstance(refused, Refused), refused
        return refused.sentence

    async def ships(self, sha: str) -> None:
        """Approve every card of a merge until it asks no more."""
        self.thread_id = self.thread_of(sha)
        while (await self.state()).pending:
            await self.approves(CARA)


PRESS = {
    "both": lane_clicks.ship_both,
    "keep": lane_clicks.keep_this,
    "wait": lane_clicks.wait_newer,
    "one by one": lane_clicks.one_by_one,
    "stop": thread_clicks.stop,
}


def town(source: FakeSource | None = None, **changes: Any) -> Town:
    return Town(repo_config(**changes), model=OfflinePlanner(), source=source)


async def goes_along(box: Town, author: str) -> None:
    """Let the second merge, bob's, ship somebody's first one, too."""
    await box.merged(ONE, author=author)
    await box.merged(TWO)
    await box.presses("both", ONE)


async def turned_down(box: Town, author: str) -> None:
    """Let #1 go out, people reject somebody's #2, and #3, which has its commit, ask."""
    await box.merged(ONE)
    await box.ships(ONE)
    await box.merged(TWO, author=author)
    await box.turns_down(TWO)
    await box.merged(THREE)


def holds_staging(box: Town) -> None:
    """Let the first deploy to staging go on until it is told to end."""
    box.deployer.prepare(STAGES_ONE, RUNS)


async def ends_staging(box: Town) -> None:
    box.deployer.prepared.clear()
    await box.later(10_000)


def teams() -> RepoConfig:
    """Configure a frontend and a backend that are changed by files of their own."""
    target = TargetConfig(deployer="command", options={})
    services = {
        "frontend": target.model_copy(update={"paths": ("web/**",)}),
        "backend": target.model_copy(update={"paths": ("api/**",)}),
    }
    return repo_config(production=EnvironmentConfig(e2e=target, services=services))


RED = Observation(status="failed", summary="2 failed", failing_tests=("checkout",))
