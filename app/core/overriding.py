"""Who may override red e2e tests of staging, and when; pure."""

import json
from collections.abc import Mapping

from app.core import events as ev
from app.core import policy, refusals
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.records import Run, Staging
from app.core.state import State
from app.core.untrusted import cut
from app.core.writing import mentions

SHORTEST_REASON = 10
MAX_REASON = 500
NO_REASON = f"Say why the red tests do not count, in at least {SHORTEST_REASON} characters."


def override(click: Click) -> Decision:
    """Let staging count as passed for its commit, with the person's reason."""
    staging = overridable(click)
    if isinstance(staging, Refused):
        return staging
    if len(click.text) < SHORTEST_REASON:
        return Refused(NO_REASON)
    red = red_tests(click.state, staging)
    overridden = ev.StagingOverridden(
        sha=staging.sha,
        user=click.user,
        reason=cut(click.text, MAX_REASON),
        failing_tests=red.failing_tests if red else (),
    )
    return Accepted((overridden,))


def overridable(click: Click) -> Staging | Refused:
    """Return the run through staging whose red tests the person may override, or why not."""
    staging = click.state.staging
    if staging is None or click.call_id.partition("-")[0] != staging.sha:
        return Refused("I do not know this run of staging any more.")
    against = _settled(staging) or _not_now(click, staging) or _may_not(click, staging)
    return Refused(against) if against else staging


def is_offered(state: State, staging: Staging, facts: Mapping[str, str]) -> bool:
    """Tell whether overriding is a way on: only tests are red, and nothing has changed since."""
    newest = staging is state.staging and not _settled(staging)
    if not newest or state.stopped_by or state.newer or state.joined:
        return False
    return red_tests(state, staging) is not None and not _is_stale(state, staging, facts)


def name_of(staging: Staging) -> str:
    """Name a run through staging, as the button's value has it: another run is another thing."""
    return f"{staging.sha}-{staging.number}"


def red_tests(state: State, staging: Staging) -> Run | None:
    """Return the tests that are all that is red on staging; None if anything else is."""
    runs = state.runs_of(staging.attempts)
    last = runs[-1] if runs else None
    is_red = last is not None and last.attempt.kind == "e2e" and last.outcome == "failed"
    return last if is_red else None


def _settled(staging: Staging) -> str:
    """Say why there is nothing to override, or not any more."""
    if staging.passed is None:
        return "Staging is running again: wait for its result."
    if staging.passed:
        return f"Staging has passed for {staging.sha[:7]}: there is nothing to override."
    if staging.override:
        return f"{mentions([staging.override.user])} overrode these tests already."
    return "" if not staging.stopped else "Staging was stopped, so nothing is known. Retry it."


def _not_now(click: Click, staging: Staging) -> str:
    """Say why these red tests are none that can be overridden now, by anybody."""
    state = click.state
    if state.newer:
        return refusals.NEWER
    if click.call_id != name_of(staging):
        return "Staging has run again since this message: look at the newest one."
    if state.stopped_by:
        return f"{mentions([state.stopped_by])} stopped this thread. Say `continue` first."
    if state.joined:
        return "A newer merge ships this one, so its tests count: look into its thread."
    if red_tests(state, staging) is None:
        return f"Only red e2e tests can be overridden, and this is not one: {staging.summary[:200]}"
    if _is_stale(state, staging, click.facts):
        return "Production has changed since these tests ran. Run them again: press *Retry e2e*."
    return ""


def _may_not(click: Click, staging: Staging) -> str:
    if wrong := policy.flaw(click.person):
        return wrong
    if not policy.is_an_approver(click.repo, click.person):
        able = click.repo.all_approvers
        named = f" These are: {mentions(able)}." if able else " It has none."
        return f"It takes an approver of {click.repo.name} to override red tests.{named}"
    own = policy.owners(click.repo, click.state, staging.sha)
    if click.user in own and not click.repo.allow_self_approval:
        return "You wrote or merged this change, so another approver has to override its tests."
    return ""


def _is_stale(state: State, staging: Staging, facts: Mapping[str, str]) -> bool:
    """Tell whether another thread has changed production since the tests were red."""
    since = staging.ended_at or staging.started_at
    recorded = (json.loads(fact) for key, fact in facts.items() if key.startswith("running/"))
    return any(fact["at"] > since and fact["thread"] != state.thread_id for fact in recorded)
