"""Whose change a commit is, also where another thread than its merge's proposes it."""

from tests.core.box import SHA, Box
from tests.fake_source import FakeSource
from tests.shop import BOB, repo_config


async def test_who_merged_a_commit_is_known_in_every_thread() -> None:
    box = Box(repo_config(people={"alice": BOB}), source=FakeSource([SHA]))
    box.model.will("done_for_now", message="later")
    await box.merges()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="asked for")
    await box.mentions("deploy the backend")
    assert (await box.card()).request.facts.barred == (BOB,)


async def test_a_commit_whose_author_nobody_knows_says_so_on_its_card() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="asked for")
    await box.staged(SHA)
    await box.mentions("deploy the backend")
    unchecked = (await box.card()).request.facts.unchecked
    assert "who wrote, merged or pushed this commit is unknown, so was not compared" in unchecked
