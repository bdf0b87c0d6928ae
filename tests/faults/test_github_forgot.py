"""The local GitHub forgets and is told again: what was merged then begins no second thread."""

from pathlib import Path

from app.core.events import ThreadStarted
from app.demo.emulate import Emulate
from app.demo.journal import Journal
from app.demo.shop import Shop
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import Token
from app.github.deliveries import GitHubDeliveries
from app.github.merges import GitHubMerges
from app.github.reconcile import Reconciler
from app.github.start import start_of
from app.redis.log import RedisLog
from tests.shop import REPO, repo_config

ROUND = 5 * 60_000 + 1000


class Evening:
    """One demo after another over the same log and journal; the watch looks at each GitHub."""

    def __init__(self, log: RedisLog, folder: Path) -> None:
        self.log = log
        self.journal = Journal(folder / "merges.jsonl")
        self.elapsed = 0

    async def demo(self, merges: int) -> None:
        """Start a GitHub that is told what was merged, merge more, and end it after two rounds."""
        async with Emulate.run() as github:
            shop = Shop(github, self.journal)
            await shop.seed()
            client = GitHubClient(github.api_url, Token(github.token))
            watch = GitHubMerges(client)
            reconciler = Reconciler(
                self.log, watch, GitHubDeliveries(client), {REPO: repo_config()}
            )
            await reconciler.look_if_due(repo_config())
            for _ in range(merges):
                merged = await shop.merge_next()
                merge = await watch.merge(REPO, merged.number)
                assert merge
                await self.log.append(start_of(merge, repo_config()))  # its webhook came
            for _ in range(2):
                self.elapsed += ROUND
                await self.log.set_offset(REPO, self.elapsed)
                assert await reconciler.look_if_due(repo_config())
            source = GitHubSource(client, {REPO: "main"})
            for sha in await self.shas():
                assert await source.commit(REPO, sha)
            await client.aclose()

    async def shas(self) -> list[str]:
        """Return what threads are about, the oldest first."""
        threads = [await self.log.read(each) for each in await self.log.threads(REPO, 100)]
        begun = [entries[0].event for entries in reversed(threads)]
        return [str(event.sha) for event in begun if isinstance(event, ThreadStarted)]


async def test_a_restarted_demo_begins_no_finished_merge_again(
    redis_log: RedisLog, tmp_path: Path
) -> None:
    evening = Evening(redis_log, tmp_path)
    await evening.demo(merges=2)
    await evening.demo(merges=0)
    await evening.demo(merges=1)
    merged = [merge.merged.sha for merge in evening.journal.merges()]
    assert await evening.shas() == merged
    assert len(merged) == 3
