"""Anything that can happen, in any order: the invariants hold, and everything comes to an end."""

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import get_args

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from app.core import glass_uses, overriding
from app.core.cards import Card
from tests.chance import report
from tests.machine import invariants
from tests.machine.life import Deed, Life, Moment, cut, freeze, kill, lose
from tests.machine.places import (
    BLOG,
    BRANCH,
    CROWD,
    FOREIGN,
    IDEAS,
    MAY_APPROVE,
    NAMES,
    OBJECTION,
    REPOS,
    SHOP,
    Idea,
    only_watch_the_blog,
)
from tests.machine.targets import ANYWHERE, Behaviour, where_of
from tests.machine.world import Lab, Mirror, World

PARTS = 10  # so that all workers share them
RUNS = int(os.environ.get("MACHINE_RUNS", "2000"))
STEPS = int(os.environ.get("MACHINE_STEPS", "50"))
LEAST_RUNS = 1000  # fewer may miss something rare
# Asked of all parts together: one alone may miss some by chance.
HAS_TO_OCCUR = (
    *("effect production deploy", "effect production e2e"),
    "event change_seen",
    *("outcome unknown", "outcome failed", "event rollback_opened"),
    *("frozen", "thawed", "lost at the door"),
    *("click refused", "click taken", "event approval_granted", "event approval_expired"),
    *("event approval_superseded", "event lock_waited"),
    *("merge", "redeliver", "mention", "say", "hear_again", "show", "approve", "click_any_card"),
    *("roll_back", "click_thread", "state_outcome", "work", "kill", "lose", "cut", "freeze"),
    *("meanwhile time", "pass_time", "end_what_hangs", "queue_up"),
    *("change_by_hand", "weather", "have_an_idea"),
    *("lock", "unlock", "freeze everything", "event service_locked"),
    *("event service_unlocked", "event block_waited"),
    *("ship", "effect production job", "event order_seen", "event superseded", "event carried"),
    *("event newer_offered", "override", "event glass_broken", "event review_asked"),
    *("approve_ahead", "event approval_prepared", "plan through"),
    *("effect production rollback", "event staging_overridden", "event wait_ended", "plan void"),
    *("event coalesced", "event newer_answered", "event marked_urgent", "event glass_reviewed"),
    *("event approvers_reminded", "event undeployed_found", "event undeployed_answered"),
    *("event approval_took_effect", "event approval_rejected", "event outcome_stated"),
    *("step ended: Killed", "step ended: StoreUnavailable", "meanwhile approve", "meanwhile lock"),
    *("wake_up", "event shadow_proposed", "event production_seen"),
    *("event riders_told", "event ride_changed", "event plan_kept"),
)
TOLD = (
    "begin",
    "lock",
    "event block_waited",
    "kill",
    "freeze",
    "lose",
    "cut",
    "effect production deploy",
    "outcome unknown",
)
TEXTS = (
    "deploy the backend first",
    "deploy site",
    "thanks",
    "wait 5 minutes",
    "stop",
    "continue",
    "ship it",
    "what is on production?",
    "roll back",
    f"deploy {BRANCH[SHOP][1][:9]}",
    f"deploy {BRANCH[BLOG][2][:9]} please",
    f"deploy {FOREIGN[:9]}",
    "what went out today?",
    f"roll back backend to {BRANCH[SHOP][0][:9]}",
    "this is urgent",
    "never mind",
    "never mind",
    OBJECTION,
    "ship both",
    "keep this",
    "wait for the next",
)
CARD_ACTIONS = (
    *("approve", "approve_when_green", "reject", "release", "ask_again"),
    *("happened", "did_not_happen", "rollback"),
)
ANSWERS = ("ship_both", "ship_both", "keep_this", "wait_newer")
REASONS = ("customers cannot pay at all", "because", "the tests are known to be flaky")
SECOND_THOUGHTS = ("", "", "", "reject", "stop", "no wait", "thanks", "lock", "merge")
AGAINST_A_RIDER = ("object to another", "reject another")
THREAD_ACTIONS = ("stop", "retry", "retry", "rollback", "rollback", "continue")
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)
FATES: tuple[Behaviour, ...] = ("works", *BEHAVIOURS, "works", "works", "works", "works")
SECONDS = (1, 6, 31, 31, 31, 61, 700, 86_390, 86_400)
MEANWHILE = ("stop", "say", "approve", "time", "webhook", "lock")
LOCKS = (
    *(
        "lock backend for 1m",
        "lock site for 1m",
        "lock all for 10m because surgery",
        "lock frontend",
        "lock api for 1m",
        "lock migrate",
    ),
    *("unlock backend", "unlock frontend", "unlock all", "unlock all"),
)

numbers = st.integers(0, 63)
calls = st.integers(1, 24)
moments = st.sampled_from(("before", "after"))
seldom = st.sampled_from((False, False, False, True))  # for what takes as long as ten other steps
rarely = st.sampled_from((*[False] * 7, True))  # for what takes as long as thirty
hardly = st.sampled_from((*[False] * 31, True))  # for what takes as long as a hundred
people = st.sampled_from(CROWD)
repos = st.sampled_from(NAMES)
places = st.sampled_from(
    [f"{SHOP}/production/e2e", f"{BLOG}/production/e2e"]
    + [
        f"{name}/{environment}/{service}"
        for name, repo in REPOS.items()
        for environment in ("staging", "production")
        for service in (*getattr(repo, environment).services, "e2e")
    ]
)
services = places.filter(lambda place: "/production/" in place and "e2e" not in place)


class Machine(RuleBasedStateMachine):
    """Everybody does anything; the invariants are asked after each step."""

    lab: Lab

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.lab)
        self.lab.run(self.world.begin())

    def do(self, name: str, *work: Awaitable[object]) -> None:
        """Do something, and read what came of it."""
        self.lab.counts[name] += 1
        self.lab.run(self._done(work))

    async def _done(self, work: Sequence[Awaitable[object]]) -> None:
        for each in work:
            await each
        await self.world.catches_up()

    @invariant()
    def all_hold(self) -> None:
        """Check what has happened since the last step."""
        self.world.count()
        for each in invariants.INVARIANTS:
            each(self.world)
        self.world.checked()

    # GitHub and Slack.

    @initialize(repo=repos, watched=st.sampled_from((*[False] * 7, True)))
    def begin(self, repo: str, watched: bool) -> None:
        """Merge, perhaps in a world in which the blog is only watched."""
        only_watch_the_blog(watched)
        self.do("begin", self.world.merges(repo), self.world.works())

    @rule(repo=repos, work=st.booleans())
    def merge(self, repo: str, work: bool) -> None:
        self.do("merge", self.world.merges(repo), self._maybe(work))

    @rule(number=numbers)
    def redeliver(self, number: int) -> None:
        past = self.world.deliveries
        self.do("redeliver", self.world.deliver(past[number % len(past)]))

    @rule(repo=repos, user=people, text=st.sampled_from(TEXTS), work=st.booleans())
    def mention(self, repo: str, user: str, text: str, work: bool) -> None:
        self.do("mention", self.world.mentions(repo, user, text), self._maybe(work))

    @rule(number=numbers, user=people, text=st.sampled_from(TEXTS), work=st.booleans())
    def say(self, number: int, user: str, text: str, work: bool) -> None:
        mirror = self.world.thread(number)
        self.do("say", self.world.says(mirror, user, text), self._maybe(work))

    @rule(number=numbers)
    def hear_again(self, number: int) -> None:
        past = self.world.messages
        if not past:
            return self.redeliver(number)
        return self.do("hear_again", self.world.hears(past[number % len(past)]))

    @rule(number=numbers, work=st.booleans())
    def show(self, number: int, work: bool) -> None:
        """Let Slack show a thread's status, or all cards that wait, and half an hour pass."""
        waiting = self.world.waiting()
        if number % 2 or not waiting:
            return self.do("show", self.world.shows(self.world.thread(number), "status"))
        cards = [self.world.shows(mirror, card.slot) for mirror, card in waiting]
        return self.do("show", *cards, self.world.passes(1801), self._maybe(work))

    @rule(number=numbers, user=people, text=st.sampled_from(LOCKS))
    def lock(self, number: int, user: str, text: str) -> None:
        name = "unlock" if text.startswith("unlock") else "lock"
        mirror = self.world.thread(number)
        if number % 2:
            self.do(name, self.world.says(mirror, user, text))
        else:
            self.do(name, self.world.mentions(mirror.repo.name, user, text))

    @rule(number=numbers, work=st.booleans(), freeze=st.booleans())
    def block_what_is_approved(self, number: int, work: bool, freeze: bool) -> None:
        waiting = self.world.waiting()
        if not waiting:
            return self.work()
        mirror, card = waiting[number % len(waiting)]
        spec = card.request.spec
        clicks = (
            self.world.clicks(mirror, "approve", card.request.call_id, user)
            for user in sorted(MAY_APPROVE)
        )
        if freeze:
            return self.do("freeze everything", *clicks, self.world.freezes(60), self._maybe(work))
        targets = REPOS[spec.repo].production.targets
        of_jobs = (targets[each.service].before for each in card.request.specs)
        name = next(filter(None, of_jobs), spec.service)  # which has to keep its jobs, too
        lock = self.world.mentions(spec.repo, CROWD[0], f"lock {name} for 1m")
        return self.do("lock", *clicks, lock, self._maybe(work))

    # People who click.

    @rule(number=numbers, fate=st.sampled_from(FATES), work=st.booleans())
    def approve(self, number: int, fate: Behaviour, work: bool) -> None:
        waiting = self.world.waiting()
        if not waiting:
            return self.work()
        mirror, card = waiting[number % len(waiting)]
        spec = card.request.specs[number % len(card.request.specs)]
        self.world.ground.prepared[f"{spec.repo}/production/{spec.service}"] = fate
        return self.do("approve", *self._all_approve(mirror, card), self._maybe(work))

    def _all_approve(self, mirror: Mirror, card: Card) -> list[Awaitable[str]]:
        call_id = card.request.call_id
        return [self.world.clicks(mirror, "approve", call_id, who) for who in sorted(MAY_APPROVE)]

    @rule(number=numbers, fate=st.sampled_from(FATES))
    def approve_and_go(self, number: int, fate: Behaviour) -> None:
        self.approve(number, fate, True)

    @rule(
        repo=repos,
        clicks=st.integers(1, 3),
        fails=st.sampled_from((False, False, True)),
        now=seldom,
    )
    def ship(self, repo: str, clicks: int, fails: bool, now: bool = True) -> None:
        """Let a merge have a quiet time, and whatever waits in its repository be approved."""
        if not now:
            return self.work()
        self.do("ship", self.world.merges(repo), self.world.works())
        for mirror, card in self.world.waiting():
            if fails and mirror.repo.name == repo:
                first = f"{repo}/production/{card.steps[0].name}"
                self.world.ground.prepared[first] = "fails"
        for _ in range(clicks):
            mine = [(m, card) for m, card in self.world.waiting() if m.repo.name == repo]
            clicked = [click for m, card in mine for click in self._all_approve(m, card)]
            self.do("approve", *clicked, self.world.passes(6), self.world.works())

    @rule(
        repo=repos,
        user=people,
        second=st.sampled_from(SECOND_THOUGHTS),
        green=st.integers(0, 3),
        now=rarely,
    )
    def approve_ahead(
        self, repo: str, user: str, second: str, green: int, now: bool = True
    ) -> None:
        """Let a merge be approved while its tests run on staging, and people think again."""
        if not now:
            return self.work()
        where = self._merge_whose_tests_hang(repo)
        offered = [(m, r.call_id) for m, r in self.world.offered() if m.repo.name == repo]
        clicks = [
            self.world.clicks(m, "approve_when_green", call_id, who)
            for m, call_id in offered
            for who in sorted(MAY_APPROVE)
        ]
        self.do("approve_ahead", *clicks)
        for mirror, call_id in offered:
            self.do("second thoughts", self._thinks_again(mirror, call_id, user, second))
        if not green:
            self.world.ground.turn_red(where)
        self.world.ground.release()
        self.do("work", self.world.passes(6), self.world.works())

    def _merge_whose_tests_hang(self, repo: str) -> str:
        """Merge, and let its tests on staging go on until what hangs is released; return where."""
        where = f"{repo}/staging/e2e"
        self.world.ground.prepared[where] = "hangs"
        self.do("merge", self.world.merges(repo), self.world.works())
        self.world.ground.prepared.pop(where, None)
        return where

    async def _thinks_again(self, mirror: Mirror, call_id: str, user: str, second: str) -> None:
        match second:
            case "":
                return
            case "merge":
                await self.world.merges(mirror.repo.name)
            case "lock":
                await self.world.mentions(mirror.repo.name, user, "lock all for 1m")
            case "reject" | "stop":
                await self.world.clicks(mirror, second, call_id, user)
            case "object to another" | "reject another":
                await self._says_no_to_another(mirror, user, second)
            case _:
                await self.world.says(mirror, user, second)

    async def _says_no_to_another(self, mirror: Mirror, user: str, how: str) -> None:
        waiting = [(m, card) for m, card in self.world.waiting() if m.repo is mirror.repo]
        for other, card in waiting[-1:]:
            if how == "reject another":
                await self.world.clicks(other, "reject", card.request.call_id, user)
            else:
                await self.world.says(other, user, OBJECTION)

    @rule(user=people, how=st.sampled_from(AGAINST_A_RIDER), now=hardly)
    def say_no_to_a_rider(self, user: str, how: str, now: bool = True) -> None:
        """Let a merge be approved ahead that brings one of more services, and people oppose that.

        What production runs is known by then, else nobody can say what a merge brings.
        """
        if not now:
            return self.work()
        while self.world.merged[BLOG] < 2:
            self.ship(BLOG, 3, False)
        self.do("merge", self.world.merges(BLOG), self.world.works())
        return self.approve_ahead(BLOG, user, how, 1)

    @rule(number=numbers, user=people, action=st.sampled_from(ANSWERS), work=st.booleans())
    def answer_about_newer(self, number: int, user: str, action: str, work: bool) -> None:
        offered = [(m, card) for m, card in self.world.waiting() if m.state.offers]
        if not offered:
            return self.merge(SHOP, work)
        mirror, card = offered[number % len(offered)]
        newest = str(len(mirror.state.offers) - 1)
        answered = self.world.clicks(mirror, action, card.request.call_id, user, newest)
        return self.do("answer_about_newer", answered, self._maybe(work))

    @rule(number=numbers, user=people, reason=st.sampled_from(REASONS), work=st.booleans())
    def override(self, number: int, user: str, reason: str, work: bool) -> None:
        red = [m for m in self.world.mirrors.values() if is_red(m)]
        if not red:
            return self.work()
        mirror = red[number % len(red)]
        run = overriding.name_of(mirror.state.stagings[-1])
        overridden = self.world.clicks(mirror, "override", run, user, reason)
        return self.do("override", overridden, self._maybe(work))

    @rule(repo=repos, overridden=st.booleans(), now=seldom)
    def red_staging(self, repo: str, overridden: bool, now: bool = True) -> None:
        """Let a merge be red on staging, and perhaps every approver override that."""
        if not now:
            return self.work()
        self.world.ground.prepared[f"{repo}/staging/e2e"] = "fails"
        self.do("red_staging", self.world.merges(repo), self.world.works())
        self.world.ground.prepared.pop(f"{repo}/staging/e2e", None)
        if overridden:
            for user in sorted(MAY_APPROVE):
                self.override(len(self.world.mirrors) - 1, user, REASONS[0], True)

    @rule(repo=repos, now=seldom)
    def queue_up(self, repo: str, now: bool = True) -> None:
        """Let two merges wait for staging while it tests another one."""
        if not now:
            return self.work()
        self._merge_whose_tests_hang(repo)
        for _ in range(2):
            self.do("merge", self.world.merges(repo), self.world.works())
        self.world.ground.release()
        self.do("queue_up", self.world.passes(6), self.world.works())

    @rule(repo=repos, now=rarely)
    def go_back(self, repo: str, now: bool = True) -> None:
        """Ship two merges, and take the second one back."""
        if not now:
            return self.work()
        self.ship(repo, 3, False)
        self.ship(repo, 3, False)
        self.roll_back(len(self.world.mirrors) - 1, "works")

    @rule(number=numbers, user=people)
    def one_by_one(self, number: int, user: str) -> None:
        red = [m for m in self.world.mirrors.values() if is_red(m) and m.state.carried]
        if not red:
            return self.work()
        mirror = red[number % len(red)]
        return self.do("one_by_one", self.world.clicks(mirror, "one_by_one", "", user))

    @rule(number=numbers, user=people, reason=st.sampled_from(REASONS), work=st.booleans())
    def break_glass(self, number: int, user: str, reason: str, work: bool) -> None:
        waiting = self.world.waiting()
        if not waiting:
            return self.work()
        mirror, card = waiting[number % len(waiting)]
        broken = self.world.clicks(mirror, "break_glass", card.request.call_id, user, reason)
        return self.do("break_glass", broken, self._maybe(work))

    @rule(number=numbers, user=people, now=seldom)
    def review(self, number: int, user: str, now: bool = True) -> None:
        asked = [(m, name) for m in self.world.mirrors.values() for name in m.state.reviews]
        if asked:
            mirror, name = asked[number % len(asked)]
            self.do("review", self.world.clicks(mirror, "reviewed", name, user))
        elif now and any(map(glass_uses.unreviewed, self.world.facts.values())):
            self.do("next morning", self.world.passes(86_400), self.world.works())
        else:
            self.break_glass(number, user, REASONS[0], True)

    @rule(number=numbers, user=people, seconds=st.sampled_from((1, 301)), now=seldom)
    def wait(self, number: int, user: str, seconds: int, now: bool = True) -> None:
        """Ask for some minutes where something is under way, and let them pass or not."""
        if not now:
            return self.work()
        mirrors = [m for m, _ in self.world.waiting()] or list(self.world.mirrors.values())
        asked = self.world.says(mirrors[number % len(mirrors)], user, "wait 5 minutes")
        self.do("wait", asked, self.world.works(), self.world.passes(seconds), self.world.works())

    @rule(repo=repos, user=people, deploy=st.booleans(), now=seldom)
    def leave_a_merge(self, repo: str, user: str, deploy: bool, now: bool = True) -> None:
        """Merge, stop its thread, and look an hour later what is not on production."""
        if not now:
            return self.work()
        self.do("merge", self.world.merges(repo), self.world.works())
        newest = list(self.world.mirrors.values())[-1]
        stop = self.world.clicks(newest, "stop", "", user)
        self.do("leave_a_merge", stop, self.world.passes(3600), self.world.works())
        self.do("undeployed", self.world.asks_what_is_undeployed(repo))
        if deploy and list(self.world.mirrors.values())[-1].state.undeployed:
            self.undeployed(repo, user, deploy, True)

    @rule(repo=repos, user=people, deploy=st.booleans(), work=st.booleans())
    def undeployed(self, repo: str, user: str, deploy: bool, work: bool) -> None:
        found = [m for m in self.world.mirrors.values() if m.state.undeployed]
        if not found:
            return self.do("undeployed", self.world.asks_what_is_undeployed(repo))
        action = "deploy_undeployed" if deploy else "not_now"
        clicked = self.world.clicks(found[-1], action, "", user)
        return self.do("undeployed", clicked, self._maybe(work))

    @rule(number=numbers, user=people, action=st.sampled_from(CARD_ACTIONS), text=numbers)
    def click_any_card(self, number: int, user: str, action: str, text: int) -> None:
        cards = self.world.cards()
        if not cards:
            return self.work()
        mirror, card = cards[number % len(cards)]
        words = TEXTS[text % len(TEXTS)] if action == "reject" and text % 2 else ""
        there = REPOS[BLOG].channel if text == 63 else ""
        call_id = card.request.call_id
        self._may_lie(mirror, action, call_id)
        clicked = self.world.clicks(mirror, action, call_id, user, words, there)
        return self.do("click_any_card", clicked)

    @rule(number=numbers, user=people, action=st.sampled_from(THREAD_ACTIONS), e2e=st.booleans())
    def click_thread(self, number: int, user: str, action: str, e2e: bool) -> None:
        mirror = self.world.thread(number)
        if action == "continue":
            self.do("continue", self.world.says(mirror, user, "continue"))
            return
        text = "e2e" if e2e and action == "retry" else ""
        self.do("click_thread", self.world.clicks(mirror, action, "", user, text))

    @rule(number=numbers, fate=st.sampled_from(FATES), now=seldom)
    def roll_back(self, number: int, fate: Behaviour, now: bool = True) -> None:
        shipped = [m for m in self.world.mirrors.values() if m.state.has_shipped]
        if not (now and shipped):
            return self.approve(number, fate, True)
        mirror = shipped[number % len(shipped)]
        rollback = self.world.clicks(mirror, "rollback", "", CROWD[0])
        self.do("roll_back", rollback, self.world.works())
        asked = [number for number, (m, _) in enumerate(self.world.waiting()) if m is mirror]
        return self.approve(asked[0] if asked else number, fate, True)

    @rule(number=numbers, user=people, rollback=st.booleans(), work=st.booleans())
    def state_outcome(self, number: int, user: str, rollback: bool, work: bool) -> None:
        unknowns = self.world.unknowns()
        if not unknowns:
            return self.work()
        mirror, run = unknowns[number % len(unknowns)]
        call_id = run.call_id or ""
        self.world.ground.release()  # who looks at the target waits for what hangs
        action = "happened" if self.world.truth_of(run) else "did_not_happen"
        action = "rollback" if rollback else action
        self._may_lie(mirror, action, call_id)
        return self.do(
            "state_outcome",
            self.world.clicks(mirror, action, call_id, user),
            self._maybe(work),
        )

    def _may_lie(self, mirror: Mirror, action: str, call_id: str) -> None:
        """Remember that somebody may say of an unknown effect what is not so."""
        run = mirror.state.unknown
        claims = {"happened": True, "rollback": True, "did_not_happen": False}
        if run is None or run.call_id != call_id or action not in claims:
            return
        if claims[action] != self.world.truth_of(run):
            self.world.disputed.add(where_of(run.attempt))

    # The worker.

    @rule()
    def work(self) -> None:
        self.do("work", self.world.works())

    @rule()
    def work_on(self) -> None:
        self.do("work", self.world.works())

    @rule(call=calls, moment=moments, deed=st.sampled_from((kill, kill, lose, cut)))
    def interfere(self, call: int, moment: Moment, deed: Deed) -> None:
        self.do(deed.__name__, self.world.works([(call, moment, deed)]))

    @rule(call=calls, moment=moments, then=calls, work=st.booleans())
    def stand_still(self, call: int, moment: Moment, then: int, work: bool) -> None:
        orders: list[tuple[int, Moment, Deed]] = [(call, moment, freeze)]
        if work:
            orders.append((then, "before", self._deed("time", CROWD[0])))
        self.do("freeze", self.world.works(orders))

    @rule(number=numbers, late=st.booleans())
    def wake_up(self, number: int, late: bool) -> None:
        if not self.world.zombies:
            return self.stand_still(1 + number % 24, "before", 1 + number % 7, late)
        passes = self.world.passes(31 if late else 1)
        return self.do("wake_up", passes, self._maybe(late), self.world.thaws(number))

    @rule(call=calls, moment=moments, what=st.sampled_from(MEANWHILE), user=people)
    def meanwhile(self, call: int, moment: Moment, what: str, user: str) -> None:
        self.do("meanwhile", self.world.works([(call, moment, self._deed(what, user))]))

    def _deed(self, what: str, user: str) -> Deed:
        async def deed(life: Life, name: str) -> None:
            self.lab.counts[f"meanwhile {what}"] += 1
            await self.world.meanwhile(what, user)

        return deed

    @rule(call=st.integers(1, 4), moment=moments)
    def lose_at_the_door(self, call: int, moment: Moment) -> None:
        self.lab.counts["lose_at_the_door"] += 1
        self.world.door.order(call, moment, lose)

    async def _maybe(self, work: bool) -> None:
        if work:
            await self.world.works()

    # The world.

    @rule(seconds=st.sampled_from(SECONDS), work=st.booleans())
    def pass_time(self, seconds: int, work: bool) -> None:
        self.do("pass_time", self.world.passes(seconds), self._maybe(work))

    @rule(place=st.just(ANYWHERE) | places, behaviour=st.sampled_from(BEHAVIOURS))
    def prepare(self, place: str, behaviour: Behaviour) -> None:
        self.lab.counts[f"prepare {behaviour}"] += 1
        self.world.ground.prepared[place] = behaviour

    @rule()
    def end_what_hangs(self) -> None:
        self.lab.counts["end_what_hangs"] += 1
        self.world.ground.release()

    @rule(place=services, commit=st.integers(0, 5))
    def change_by_hand(self, place: str, commit: int) -> None:
        self.lab.counts["change_by_hand"] += 1
        repo = place.partition("/production/")[0]
        self.world.ground.by_hand(place, BRANCH[repo][commit])
        self.world.disputed.add(place)

    @rule(github=st.booleans(), model=st.booleans())
    def weather(self, github: bool, model: bool) -> None:
        self.lab.counts["weather"] += 1
        self.world.github.away, self.world.mind.away = github, model

    @rule(idea=st.sampled_from(IDEAS))
    def have_an_idea(self, idea: Idea) -> None:
        self.lab.counts["have_an_idea"] += 1
        self.world.mind.ideas.append(idea)

    # The end.

    def teardown(self) -> None:
        """Let all faults cease: everything comes to an end, or waits for people."""
        if sys.exc_info()[0] is not None:
            self.lab.run(self.world.buries())
        else:
            self._end(61)
            self._end(86_400)
        only_watch_the_blog(False)

    def _end(self, seconds: int) -> None:
        self.do("end", self.world.ceases(), self.world.passes(seconds), self.world.settles(61))
        self.all_hold()
        invariants.i10_every_thread_has_an_end_or_waits_for_people(self.world)
        stored = self.lab.run(self.world.stored())
        assert self.world.facts == self.lab.run(self.world.stored_facts())
        invariants.i11_the_chain_holds_every_effect(self.world, stored)


def is_red(mirror: Mirror) -> bool:
    """Tell whether the newest run through staging is red."""
    staging = mirror.state.staging
    return staging is not None and staging.passed is False


@pytest.mark.parametrize("part", range(PARTS))
def test_anything_in_any_order(lab: Lab, part: int, shared: Path) -> None:
    series = int(os.environ.get("SOAK_SEED", random.SystemRandom().getrandbits(32)))
    sys.stdout.write(f"SOAK_SEED={series}\n")
    machine = hypothesis.seed(series + part)(type("AnyOrder", (Machine,), {"lab": lab}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=-(-RUNS // PARTS),
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            database=DirectoryBasedExampleDatabase(".cache/hypothesis"),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    for name, count in sorted(lab.counts.items()):
        sys.stdout.write(f"{count:8} {name}\n")
    told = {name: lab.counts[name] for name in TOLD}
    report("state machine", seed=series, part=part, steps=STEPS, **told)
    sums = _summed(shared, part, lab.counts)
    never = [name for name in HAS_TO_OCCUR if sums and not sums[name]]
    assert not never or RUNS < LEAST_RUNS, f"nothing of this happened in any part: {never}"


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    (folder / "counts").mkdir(exist_ok=True)
    return folder / "counts"


def _summed(folder: Path, part: int, counts: Counter[str]) -> Counter[str]:
    """Leave a part's counts; return the sum of all parts, if this is the last of them."""
    (folder / f"writing.{part}").write_text(json.dumps(counts))
    (folder / f"writing.{part}").rename(folder / f"part.{part}")
    parts = sorted(folder.glob("part.*"))
    told = [json.loads(each.read_text()) for each in parts] if len(parts) == PARTS else []
    return sum(map(Counter[str], told), Counter[str]())


def test_chance_can_reach_what_is_rare(lab: Lab) -> None:
    """Go the way by hand that leads there, by the rules that chance has."""
    machine = type("ByHand", (Machine,), {"lab": lab})()
    machine.go_back(SHOP)
    machine.all_hold()
    machine.red_staging(SHOP, True)
    machine.wait(0, CROWD[0], 301)
    machine.all_hold()
    machine.queue_up(BLOG)
    machine.all_hold()
    for how in AGAINST_A_RIDER:
        machine = type("ByHand", (Machine,), {"lab": lab})()
        machine.say_no_to_a_rider(CROWD[0], how)
        machine.all_hold()
    assert lab.counts["no to a rider"] == len(AGAINST_A_RIDER)
    reached = (
        *("event coalesced", "effect production rollback"),
        *("event staging_overridden", "event wait_ended"),
    )
    assert not [name for name in reached if not lab.counts[name]]
