"""Builds an approval card from facts: the spec that will run, and what people must know."""

from contextlib import suppress
from typing import Literal

from app.core import ledger
from app.core.errors import SourceMissing, SourceUnavailable
from app.core.events import ApprovalRequested, CardFacts, Commit, PullRequest, ThreadStarted
from app.core.ids import thread_id_for
from app.core.ports import HISTORY_KEPT
from app.core.spec import ActionSpec, spec_hash
from tools.approvers import quiet_until, with_approvers
from tools.tool import Desk, SourceNeeded, ToolError


async def request_approval(
    desk: Desk,
    tool: str,
    kind: Literal["deploy", "rollback"],
    service: str,
    sha: str,
    reason: str,
    evidence: str,
) -> ApprovalRequested:
    """Build the card for one production effect; raise `ToolError` where code forbids it."""
    repo, state = desk.repo, desk.state
    target = repo.production.services[service]
    deployer = desk.deployers[target.deployer]
    recorded = desk.facts
    was = ledger.production(recorded, service) or await _current(desk, service)
    if was == sha:
        raise ToolError(f"{service} already runs {sha[:7]} in production")
    commits, total, unchecked = await _changes(desk, kind, was, sha)
    barred, unmapped = await _barred(desk, kind, sha)
    called_at = quiet_until(desk) or desk.now
    spec = ActionSpec(
        tool=tool,
        kind=kind,
        repo=repo.name,
        service=service,
        environment="production",
        sha=sha,
        deployer=target.deployer,
        arguments=deployer.arguments(target.options, service, "production", sha),
        channel=state.channel,
        thread_id=state.thread_id,
        call_id=desk.call_id,
        production_was=was,
        policy_version=repo.policy_version(service),
        expires_at=called_at + repo.approval_expires_seconds * 1000,
    )
    bad = ledger.hold(recorded, service) if kind == "deploy" else None
    facts = CardFacts(
        commits=commits,
        commits_total=total,
        compare_url=_compare_url(state.pull_request, was, sha),
        pull_request=state.pull_request if state.sha == sha else None,
        staging=evidence,
        barred=barred,
        unchecked=(*unchecked, *_unsorted(desk), *unmapped),
        hold=f"on hold since {bad[:7] or 'a bad commit'} was rolled back"
        if bad is not None
        else "",
        left_out=_left_out(desk, sha),
    )
    facts = await with_approvers(desk, service, facts)
    asked = state.unread[-1] if state.unread else None
    return ApprovalRequested(
        call_id=desk.call_id,
        spec=spec,
        spec_hash=spec_hash(spec),
        plan=state.plan + (1 if state.pending else 0),
        facts=facts,
        reason=reason,
        quote=asked.text if asked else "",
        quoted_user=asked.user if asked else "",
    )


def _left_out(desk: Desk, sha: str) -> tuple[str, ...]:
    """Return the services that the merge of this thread does not touch."""
    services = desk.repo.production.services if desk.state.sha == sha else ()
    return tuple(service for service in services if desk.state.is_untouched(service))


def _unsorted(desk: Desk) -> tuple[str, ...]:
    change = desk.state.change
    return (change.unchecked,) if change and change.unchecked else ()


async def _current(desk: Desk, service: str) -> str | None:
    """Return the SHA that the target says it runs; raise `SourceNeeded` if only GitHub can say."""
    target = desk.repo.production.services[service]
    deployer = desk.deployers[target.deployer]
    try:
        return await deployer.current(target.options, desk.repo.name, service, "production")
    except SourceUnavailable as error:
        raise SourceNeeded(error) from None


async def refuse_older(desk: Desk, service: str, sha: str) -> None:
    """Raise `ToolError` if production runs something newer, before staging is used for it."""
    recorded = ledger.production(desk.facts, service)
    was = recorded or await _current(desk, service)
    if was is not None:
        await _changes(desk, "deploy", was, sha)


async def _changes(
    desk: Desk, kind: str, was: str | None, sha: str
) -> tuple[tuple[Commit, ...], int, tuple[str, ...]]:
    """Return the commits that go in (of a rollback: out), their number, and what is unchecked."""
    known = desk.state.known.get(sha, Commit(sha=sha))
    if desk.source is None:
        note = "no GitHub credentials: the difference and the order of commits were not checked"
        return (known,), 1, (note,)
    if was is None:
        return (known,), 1, ("what production runs now is unknown, so the difference is too",)
    base, head = (sha, was) if kind == "rollback" else (was, sha)
    try:
        compared = await desk.source.compare(desk.repo.name, base, head)
    except SourceUnavailable as error:
        if kind == "deploy":
            raise SourceNeeded(error) from None
        return (), 0, (f"GitHub could not be asked: {error}",)
    notes: tuple[str, ...] = ()
    if kind == "deploy" and compared.behind:
        if not compared.ahead:
            raise ToolError(
                f"{sha[:7]} is older than {was[:7]}, which runs in production. "
                "Only a rollback may go back."
            )
        notes = (f"it takes out {compared.behind} commits that production has now",)
    return compared.commits, compared.ahead, notes


async def _barred(desk: Desk, kind: str, sha: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the users who may not approve their own change, and what was not compared."""
    if desk.repo.allow_self_approval:
        return (), ()
    pull_request = await _pull_request(desk, sha)
    logins: list[str] = []
    notes: list[str] = []
    if pull_request is None:
        logins, notes = await _author(desk, sha)
    else:
        logins = [pull_request.author, pull_request.merged_by]
        if desk.source is None:
            notes.append("the last pusher is unknown without GitHub credentials")
        else:
            try:
                logins += await desk.source.pushers(desk.repo.name, pull_request.number)
            except SourceUnavailable as error:
                if kind == "deploy" and not isinstance(error, SourceMissing):
                    raise SourceNeeded(error) from None
                notes.append("the last pusher could not be asked for")
    users = {login: desk.repo.slack_user(login) for login in logins if login}
    unmapped = [login for login, user in users.items() if user is None]
    notes += [f"{login} has no Slack user here, so was not compared" for login in unmapped]
    barred = dict.fromkeys(user for user in users.values() if user)
    return tuple(barred), tuple(notes)


async def _pull_request(desk: Desk, sha: str) -> PullRequest | None:
    """Return the pull request that brought a commit, as the thread of its merge knows it."""
    if desk.state.sha == sha and desk.state.pull_request:
        return desk.state.pull_request
    entries = await desk.log.read(thread_id_for(desk.repo.name, desk.repo.branch, sha))
    started = entries[0].event if entries else None
    return started.pull_request if isinstance(started, ThreadStarted) else None


async def _author(desk: Desk, sha: str) -> tuple[list[str], list[str]]:
    """Return who wrote a commit that no thread knows the merge of, and what cannot be compared."""
    known = desk.state.known.get(sha)
    author = known.author if known else ""
    if not author and desk.source is not None:
        with suppress(SourceUnavailable):
            commit = await desk.source.commit(desk.repo.name, sha)
            author = commit.author if commit else ""
    others = "merged or pushed" if author else "wrote, merged or pushed"
    note = f"who {others} this commit is unknown, so was not compared"
    return [author] if author else [], [note]


def _compare_url(pull_request: PullRequest | None, was: str | None, sha: str) -> str:
    if pull_request is None or was is None or "/pull/" not in pull_request.url:
        return ""
    return f"{pull_request.url.split('/pull/')[0]}/compare/{was[:12]}...{sha[:12]}"


async def staging_evidence(desk: Desk, sha: str) -> str | None:
    """Say how this SHA passed staging; None if it did not."""
    for staging in reversed(desk.state.stagings):
        if staging.sha == sha and staging.passed:
            return staging.summary
    history = await desk.log.history(desk.repo.name, HISTORY_KEPT)
    passed = any(commit.sha == sha for commit in ledger.staged(history))
    return "passed staging in an earlier thread" if passed else None
