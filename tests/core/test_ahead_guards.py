"""What was approved ahead begins at no other moment, whichever rule or look comes first."""

import pytest

from app.core.actions import Here
from app.core.policy import last_look
from app.core.records import Asked
from app.core.rules.ahead import take_effect
from tests.core.test_ahead import approved, production
from tests.shop import REPO


async def test_the_last_look_refuses_it_while_staging_is_not_green() -> None:
    box = await approved()
    card = (await box.state()).ahead
    assert card
    spec, now = card.steps[0].spec, await box.log.now(REPO)
    refused = last_look(
        Asked(card, card.steps[0]), spec.production_was, None, spec.policy_version, now
    )
    assert refused == "it was approved for when staging is green, and staging is not"


@pytest.mark.parametrize("outcome", ["runs", "red", "run anew"])
async def test_it_takes_effect_only_when_its_own_staging_is_green(outcome: str) -> None:
    box = await approved()
    state, facts = await box.state(), await box.log.facts(REPO)
    assert state.ahead
    assert state.staging
    if outcome == "red":
        state.staging.passed = False
    elif outcome == "run anew":
        state.staging.passed, state.staging.number = True, state.staging.number + 1
    here = Here(box.config, await box.log.now(REPO), facts)
    assert take_effect(state, here) is None
    assert production(box) == []
