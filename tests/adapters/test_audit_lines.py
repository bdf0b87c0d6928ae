"""What `deploybot audit` prints of how an effect came about: overrides, broken glass, refusals."""

import json
from pathlib import Path

from app.core.ports import Observation, Write
from app.redis.connect import connect
from app.redis.log import RedisLog
from tests.adapters.test_audit import audit
from tests.core.box import SHA, Box
from tests.core.test_audit_withheld import LateLog
from tests.core.test_broken_glass import at_two, breaks, shop
from tests.core.test_overriding import overridden, red
from tests.story import THREAD


async def printed(box: Box, folder: Path, url: str, *options: str) -> str:
    """Audit what happened in the box, as a store has it; it is sound."""
    log = RedisLog(connect(url))
    for entry in await box.log.read(box.thread_id):
        await log.append(Write(THREAD, [entry.event]))
    await log.close()
    done = await audit(folder, url, *options)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


async def shipped_red(*failing_tests: str) -> Box:
    """Override red tests, and ship the backend all the same."""
    box = Box()
    await red(box, Observation("failed", "red", failing_tests=failing_tests))
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await overridden(box)
    box.model.will("done_for_now", message="Done.")
    await box.approves()
    return box


async def test_overridden_tests_stand_above_the_approval(
    tmp_path: Path, clean_redis_url: str
) -> None:
    box = await shipped_red("checkout pays", "a\nb")
    lines = (await printed(box, tmp_path, clean_redis_url)).splitlines()
    at = next(n for n, line in enumerate(lines) if "RED TESTS" in line)
    assert lines[at] == "    RED TESTS OVERRIDDEN by U02BOB 2027-01-15 08:00:00.000"
    assert lines[at + 1] == (
        "        the payment sandbox is down <!channel> (failing: checkout pays, a b)"
    )
    assert lines[at + 2].startswith("    approved by U02BOB, ")


async def test_overridden_tests_are_exported(tmp_path: Path, clean_redis_url: str) -> None:
    box = await shipped_red()
    [effect] = json.loads(await printed(box, tmp_path, clean_redis_url, "--json"))["effects"]
    assert (effect["override"]["user"], effect["override"]["failing_tests"]) == ("U02BOB", [])
    assert (effect["outcome"], effect["withheld"], effect["problems"]) == ("succeeded", False, [])


async def test_a_broken_glass_is_shown_with_its_reason(
    tmp_path: Path, clean_redis_url: str
) -> None:
    box = Box(shop())
    await at_two(box)
    box.model.will("done_for_now", message="Fixed.")
    await breaks(box)
    lines = (await printed(box, tmp_path, clean_redis_url)).splitlines()
    at = next(n for n, line in enumerate(lines) if "GLASS" in line)
    assert lines[at].startswith("    GLASS BROKEN by U04DAN, 20")
    assert lines[at + 1] == "        lifted freeze, approvers: shop is down!"


async def test_what_was_withheld_says_that_nothing_was_sent(
    tmp_path: Path, clean_redis_url: str
) -> None:
    box = Box(log=LateLog())
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    await box.approves()
    lines = (await printed(box, tmp_path, clean_redis_url)).splitlines()
    assert lines[1].endswith(f"deploy backend {SHA}: failed")
    assert "    nothing was sent: the look right before refused it" in lines
