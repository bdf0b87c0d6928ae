"""Attacks in the thread of another merge, whose words a card quotes: nothing comes of them.

That merge is red on staging and goes out with the newer one, whose approvers read the quote.
"""

from pathlib import Path

from app.core.ports import Observation
from app.github.start import start_of
from app.github.webhook import parse
from tests.adapters.github_bodies import encoded, merged
from tests.attacks.own import SHA, own
from tests.attacks.siege import TESTS, HostileSource, Siege
from tests.chance import SOAK
from tests.core.box import OLD

EVERY = 1 if SOAK else 8
RIDER = "0ddc0de" + "3" * 33


class Riding(Siege):
    """A siege of the thread of another merge, and then of the one that ships it."""

    def __init__(self, payload: str, folder: Path) -> None:
        source = HostileSource([OLD, RIDER, SHA], "Add gift cards", "alice")
        super().__init__("slack text", payload, folder, source=source, tests=True)

    async def says_it_of_the_rider(self) -> None:
        """Merge the other one, which is red, and write the payload in its thread."""
        self.deployer.prepared[TESTS] = [Observation("failed", "1 failed")]
        body = encoded(
            merged(number=6, pull_request__number=6, pull_request__merge_commit_sha=RIDER)
        )
        merge = parse(body, "pull_request")
        assert merge is not None
        write = start_of(merge, self.config)
        self.thread_id = write.thread_id
        await self.log.append(write)
        await self.goes_on()
        self.evil.obey(2)
        await self.says(self.payload, "1.1")
        await self.is_held()
        del self.deployer.prepared[TESTS]


async def test_what_is_quoted_of_another_thread_approves_and_begins_nothing(tmp_path: Path) -> None:
    tried, quoted = own()[::EVERY], 0
    for payload in tried:
        siege = Riding(payload, tmp_path)
        try:
            await stand(siege)
        except Exception as error:
            raise AssertionError(f"{payload[:300]!r}") from error
        quoted += any(card.request.facts.spoken for card in (await siege.state()).cards.values())
    assert quoted > len(tried) // 2


async def stand(siege: Riding) -> None:
    """Attack with nobody approving, then approve the card, if the model asks for it at all."""
    await siege.says_it_of_the_rider()
    await siege.begins()
    siege.evil.obey(0)
    if (await siege.state()).pending is None:
        await siege.says("deploy the frontend", "2.2")
    await siege.is_held()
    assert siege.produced == []
    if (await siege.state()).pending:
        await siege.approves()
        siege.evil.obey(1)
        await siege.goes_on()
        await siege.is_held()
        assert siege.produced
