"""wait_for: sleep until something happens, or some time; what is waited for is checked at once."""

from collections.abc import Sequence
from typing import assert_never

from pydantic import Field

from app.core import awaited
from app.core.awaited import Awaited
from app.core.config import RepoConfig
from app.core.errors import SourceMissing, SourceUnavailable
from app.core.events import Event, ToolAnswered, WaitStarted
from app.core.fold import fold
from app.core.ids import is_user_id
from app.core.ledger import PULL
from app.core.times_of_day import meanings
from app.core.writing import local
from tools.awaiting import RUNS_READ, Happened, leads_to, run_through, thread_through
from tools.tool import Arguments, Desk, Tool, ToolError

MAX_WAIT_SECONDS = 7 * 24 * 3600


class WaitArguments(Arguments):
    event: str = Field(
        default="",
        description='What for: "workflow run 123", "workflow deploy.yml" (its next run), "#42" '
        '(until the deploy of that pull request is through), "thread acme/shop/0123456789", '
        '"reply from @U02BOB", "time 15:00", "time tomorrow 9:00", "time 2026-11-30 09:00" (in the '
        'team\'s zone), or "" for seconds alone.',
        max_length=300,
    )
    seconds: int = Field(
        default=0,
        description="The longest time to wait, at most 604800; 0: as long as that.",
        ge=0,
        le=MAX_WAIT_SECONDS,
    )
    reason: str = Field(description="What for, in a few words.", max_length=2000)


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tool."""
    description = "Wait for an event or some time, then be asked again; people's words end it, too."
    return [Tool("wait_for", description, WaitArguments, _wait)]


async def _wait(desk: Desk, arguments: WaitArguments) -> Sequence[Event]:
    try:
        wanted = awaited.parse(arguments.event)
    except ValueError as error:
        raise ToolError(str(error)) from None
    if wanted is None and not arguments.seconds:
        raise ToolError("say how many seconds, or what to wait for")
    until = desk.now + (arguments.seconds or MAX_WAIT_SECONDS) * 1000
    wait = WaitStarted(call_id=desk.call_id, until=until, reason=arguments.reason)
    found = await _found(desk, wanted, wait) if wanted else wait
    if isinstance(found, WaitStarted):
        return [found]
    said = f"{arguments.event} has happened already: {found.told}"
    return [ToolAnswered(call_id=desk.call_id, result=said)]


async def _found(desk: Desk, wanted: Awaited, wait: WaitStarted) -> WaitStarted | Happened:
    """Find what is to be waited for; raise `ToolError` where there is no such thing."""
    match wanted.kind:
        case "time":
            return wait.model_copy(update={"until": _time(desk, wanted.name)})
        case "reply":
            return wait.model_copy(update={"event": f"reply/{_user(desk, wanted.name)}"})
        case "thread":
            return await _thread(desk, wait, awaited.full_thread_id(wanted.name, desk.repo.name))
        case "pull request":
            return await _pull_request(desk, wait, wanted.name)
        case "run":
            return await _run(desk, wait, int(wanted.name))
        case "workflow":
            return await _workflow(desk, wait, wanted.name)
        case _:
            assert_never(wanted.kind)


def _time(desk: Desk, clock: str) -> int:
    try:
        times = meanings(clock, desk.repo.zone, desk.now)
    except ValueError:
        raise ToolError(f"{clock!r} is no time") from None
    coming = [time for time in times if time > desk.now]
    if not coming:
        raise ToolError(f"{clock!r} is over; it is {local(desk.now, desk.repo.zone)} now")
    if coming[0] > desk.now + MAX_WAIT_SECONDS * 1000:
        raise ToolError(f"{clock!r} is more than 7 days away")
    return coming[0]


def _user(desk: Desk, name: str) -> str:
    repo, state = desk.repo, desk.state
    user = repo.slack_user(name) or name
    approvers = [who for service in repo.production.services for who in repo.approvers_of(service)]
    people = {*repo.people.values(), *approvers, *(words.user for words in state.words)}
    if user not in people | {state.asked_by} or not is_user_id(user):
        known = ", ".join(sorted(f"@{login}" for login in repo.people)) or "nobody by name"
        raise ToolError(f"nobody here is @{name}; known: {known}, and who wrote in this thread")
    return user


async def _thread(
    desk: Desk, wait: WaitStarted, thread_id: str | None, label: str = ""
) -> WaitStarted | Happened:
    if thread_id == desk.state.thread_id:
        raise ToolError("that is this thread itself")
    entries = await desk.log.read(thread_id) if thread_id else []
    if thread_id is None or not entries:
        raise ToolError(f"{label or 'that'} is no thread of {desk.repo.name}")
    other = fold(entries)
    ended = thread_through(other, desk.repo)
    if ended:
        return ended
    if await leads_to(desk.log, thread_id, desk.state.thread_id):
        raise ToolError("that thread waits for this one, so both would wait for ever")
    pull = other.pull_request
    return wait.model_copy(
        update={
            "event": f"thread/{thread_id}",
            "label": f"#{pull.number}" if pull else "",
            "url": pull.url if pull else "",
        }
    )


async def _pull_request(desk: Desk, wait: WaitStarted, number: str) -> WaitStarted | Happened:
    thread_id = await desk.log.find(desk.repo.name, PULL, str(int(number)))
    if thread_id is None:
        raise ToolError(f"no merge of #{int(number)} into {desk.repo.branch} is known here")
    return await _thread(desk, wait, thread_id, f"#{int(number)}")


async def _run(desk: Desk, wait: WaitStarted, run_id: int) -> WaitStarted | Happened:
    found = wait.model_copy(update={"event": f"run/{run_id}"})
    if desk.source is None:
        return found
    try:
        run = await desk.source.workflow_run(desk.repo.name, run_id)
    except SourceUnavailable as error:
        raise ToolError(f"{error} So the run cannot be looked up now") from None
    if run is None:
        raise ToolError(f"GitHub knows no workflow run {run_id} of {desk.repo.name}")
    return run_through(run) or found.model_copy(update={"url": run.url})


async def _workflow(desk: Desk, wait: WaitStarted, file: str) -> WaitStarted:
    """Wait for the run that is under way, or else for the next one."""
    if desk.source is None:
        return wait.model_copy(update={"event": f"workflow/{file}"})
    try:
        runs = await desk.source.workflow_runs(desk.repo.name, RUNS_READ, file)
    except SourceMissing:
        raise ToolError(f"{desk.repo.name} has no workflow {file}") from None
    except SourceUnavailable as error:
        raise ToolError(f"{error} So its runs cannot be looked up now") from None
    going = next((run for run in runs if run.status != "completed"), None)
    if going:
        return wait.model_copy(update={"event": f"run/{going.run_id}", "url": going.url})
    newest = max((run.run_id for run in runs), default=0)
    return wait.model_copy(update={"event": f"workflow/{file}", "after": newest})
