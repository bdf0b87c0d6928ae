"""Attacks as the reason of a lock: they are shown and read as text, and nothing ships by them."""

from pathlib import Path

from app.core import events as ev
from tests.attacks.own import own
from tests.attacks.siege import Siege
from tests.chance import SOAK

EVERY = 1 if SOAK else 3


async def test_a_reason_is_only_text_wherever_it_is_shown(tmp_path: Path) -> None:
    for payload in own()[::EVERY]:
        siege = Siege("slack text", payload, tmp_path)
        try:
            await stand(siege)
        except Exception as error:
            raise AssertionError(f"{payload[:300]!r}") from error


async def stand(siege: Siege) -> None:
    """Lock for the attack's reason, have the model read it and obey, and try to ship."""
    siege.evil.obey(0)
    await siege.begins()
    await siege.says(f"lock all because of {siege.payload}", "2.1")
    siege.evil.obey(1)
    await siege.says("why is it locked?", "2.2")
    await siege.is_held()
    entries = await siege.log.read(siege.thread_id)
    placed = [e.event for e in entries if isinstance(e.event, ev.ServiceLocked)]
    assert [len(lock.reason) <= 200 for lock in placed] == [True]
    siege.evil.obey(0)
    if (await siege.state()).pending is None:
        await siege.says("deploy the frontend", "2.3")
    await siege.approves()
    assert (await siege.state()).waits_for_block
    assert siege.deployer.effects == []
    assert siege.slack.wrong == []
