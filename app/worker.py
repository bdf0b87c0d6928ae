"""The only loop: claim a thread, fold it, decide, do that one thing, append; until it waits."""

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, assert_never

import structlog

from app import agent, ahead, effects, lanes, waiting
from app.core.actions import (
    Action,
    Append,
    AskModel,
    Cancel,
    FetchFacts,
    LookAtAdded,
    LookAtChange,
    LookAtOrder,
    LookAtProduction,
    LookFor,
    Observe,
    Prepare,
    Repropose,
    ResolveShas,
    Start,
    TakeEffect,
    Wait,
)
from app.core.config import RepoConfig
from app.core.decide import decide
from app.core.errors import Conflict, Fenced, StoreUnavailable
from app.core.events import StepFailed
from app.core.fold import Fold, fold
from app.core.ports import Claim, Look, Write
from app.desk import Job, Ports, Sight

Outcome = TypeVar("Outcome")

FAULT_PAUSE_MS = 15_000
IDLE_SECONDS = 1.0
STEP_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Worker:
    """Works on the threads of some repositories, several at once; `lease_seconds` as in the log."""

    def __init__(
        self, ports: Ports, repos: Mapping[str, RepoConfig], lease_seconds: float, hands: int = 8
    ) -> None:
        self._ports = ports
        self._repos = repos
        self._lease = lease_seconds
        self._hands = hands
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`; then finish the steps under way and give every thread back.

        A step that is not through after `STEP_SECONDS` is cut, but for one that sends an effect.
        """
        hands = [asyncio.create_task(self._hand()) for _ in range(self._hands)]
        try:
            await self._stopping.wait()
            await asyncio.wait(hands, timeout=STEP_SECONDS)
        finally:
            for hand in hands:
                hand.cancel()
            await asyncio.gather(*hands, return_exceptions=True)

    def stop(self) -> None:
        """Take no more threads, and end at the next step boundary."""
        self._stopping.set()

    async def _hand(self) -> None:
        while not self._stopping.is_set():
            try:
                if await self.work_once():
                    continue
            except StoreUnavailable as error:
                log.warning("store_unavailable", error=str(error))
            except Exception:
                log.exception("fault")  # its thread is due again when the lease is over
            await self._ports.log.wait_for_work("work", IDLE_SECONDS)

    async def work_once(self) -> bool:
        """Work on one due thread of each repository until it waits; False if none was due."""
        worked = False
        for repo in self._repos.values():
            claim = await self._ports.log.claim(repo.name, "work")
            if claim is not None:
                worked = True
                with structlog.contextvars.bound_contextvars(thread_id=claim.thread_id):
                    await self._guarded(claim, repo)
        return worked

    async def _guarded(self, claim: Claim, repo: RepoConfig) -> None:
        """Keep one thread's fault from touching the others: log it, and let the thread rest."""
        try:
            await self._leased(claim, self._work(claim, repo))
        except Fenced:
            log.info("claim_lost")
        except StoreUnavailable:
            raise
        except asyncio.CancelledError:
            await self._ports.log.park(claim, "work", 0, None)  # for others, at once
            raise
        except Exception as error:
            with contextlib.suppress(Fenced):  # who has the thread now meets the fault, too
                await self._rest(claim, repo, error)

    async def _rest(self, claim: Claim, repo: RepoConfig, error: Exception) -> None:
        """Log a fault under an id, tell the thread's people once, and try again later."""
        error_id = secrets.token_hex(4)
        log.error("fault", error_id=error_id, exc_info=error)
        entries = await self._ports.log.read(claim.thread_id)
        version = len(entries)
        if fold(entries).fault is None:
            failed = StepFailed(error_id=error_id)
            write = Write(claim.thread_id, [failed], fence=claim.fence)
            await self._ports.log.append(write)
            version += 1
        now = await self._ports.log.now(repo.name)
        await self._ports.log.park(claim, "work", version, now + FAULT_PAUSE_MS)

    async def _work(self, claim: Claim, repo: RepoConfig) -> None:
        folding, sights = Fold(), list[Sight]()
        while True:
            here, asked_at = await self._seen(claim, sights)
            state = folding.follow(here.entries)
            if state.thread_id not in ("", claim.thread_id):
                raise LookupError(f"the log of {claim.thread_id} is of {state.thread_id[:100]!r}")
            job = Job(
                *(claim, state, here.entries, repo, here.now, here.facts, self._ports),
                asked_at,
                sights,
            )
            action = decide(state, repo, here.now, here.facts)
            if isinstance(action, Wait):
                await self._park(job, action.until)
                return
            try:
                pause = await self._act(job, action)
            except Conflict:
                continue
            if pause is not None or self._stopping.is_set():
                await self._park(job, job.now + int((pause or 0) * 1000))
                return

    async def _seen(self, claim: Claim, sights: list[Sight]) -> tuple[Look, float]:
        """Return the thread as it is: as the last step's last write showed it, or by a look."""
        last = sights.pop() if sights else None
        sights.clear()
        if last and last.is_fresh:
            return last.look, last.asked_at
        asked_at = asyncio.get_running_loop().time()
        return await self._ports.log.look(claim.thread_id), asked_at

    async def _park(self, job: Job, until: int | None) -> None:
        await self._ports.log.park(job.claim, "work", job.state.version, until)

    async def _act(self, job: Job, action: Action) -> float | None:
        """Do the one thing; return the seconds to pause before the next look, if any."""
        match action:
            case Append():
                await job.decide_on(
                    action.events,
                    facts=action.facts,
                    expects=action.expects,
                    wake=action.wake,
                    silent=not action.events,
                )
            case Start():
                return await _whole(effects.start(job, action))
            case Observe():
                return await effects.observe(job, action.run)
            case Cancel():
                return await effects.cancel(job, action.run)
            case LookAtOrder() | LookAtAdded():
                return await lanes.look(job, action)
            case Prepare() | TakeEffect():
                return await ahead.act(job, action)
            case (
                LookAtChange()
                | LookAtProduction()
                | FetchFacts()
                | ResolveShas()
                | AskModel()
                | Repropose()
            ):
                return await agent.act(job, action)
            case LookFor():
                return await waiting.look_for(job, action)
            case Wait():
                raise AssertionError("a wait is no act")
            case _:
                assert_never(action)
        return None

    async def _leased(self, claim: Claim, work: Coroutine[Any, Any, None]) -> None:
        """Renew the lease while the work goes on; raise `Fenced` when it is lost."""
        working = asyncio.ensure_future(work)
        renewing = asyncio.ensure_future(self._renew(claim))
        both = (working, renewing)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            (working if working.done() else renewing).result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _renew(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            with contextlib.suppress(StoreUnavailable):
                await self._ports.log.renew(claim, "work")


async def _whole(step: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Let a step come to its end also when its task is cancelled meanwhile."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
