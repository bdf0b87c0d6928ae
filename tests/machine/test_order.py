"""Late, doubled and permuted deliveries end in the same state; only who was first may differ."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import ledger
from app.core.state import State
from app.slack.payloads import Heard
from tests.machine.places import ALICE, BLOG, BRANCH, CARA, ERIN, ORDER, REPOS, SHOP
from tests.machine.targets import where_of
from tests.machine.world import Lab, Mirror, World

EXAMPLES = int(os.environ.get("ORDERS", "60"))
QUESTIONS = 30
Delivery = Callable[[], Awaitable[object]]
whatever = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


@dataclass(frozen=True)
class Day:
    """A day that has begun: cards wait in both repositories, and somebody asked something."""

    world: World
    shop: Mirror
    blog: Mirror
    asked: Mirror

    @classmethod
    async def begins(cls, lab: Lab) -> "Day":
        """Let a card wait in each repository, and a thread be there that somebody began."""
        world = World(lab)
        await world.begin()
        await world.merges(SHOP)
        await world.merges(BLOG)
        await world.mentions(SHOP, ALICE, "help")
        await world.settles(6)
        await world.catches_up()
        merges = {each.repo.name: each for each in world.mirrors.values() if each.state.sha}
        [asked] = (each for each in world.mirrors.values() if not each.state.sha)
        await world.shows(asked, "status")
        assert len(world.waiting()) == 2
        return cls(world, merges[SHOP], merges[BLOG], asked)

    def deliveries(self, doubled: bool = True) -> list[Delivery]:
        """Return what arrives in the course of the day, each once or as often as it may.

        No two different ones are about the same thread or the same target.
        """
        world = self.world
        second = world.webhook(BLOG, 2, "day2")
        reply = _heard("E1", "thanks", "9.1", self.asked.state.root_ts)
        mention = _heard("E2", "help", "9.2", None)
        webhooks, words = [second], [reply, mention]
        clicks = [(self.shop, "approve", ERIN), (self.blog, "reject", ALICE)]
        if doubled:
            as_message = mention.model_copy(update={"event_id": "E3", "is_mention": False})
            webhooks += [second, second, world.webhook(BLOG, 2, "sent by hand once more")]
            words += [reply, mention, as_message]
            clicks *= 3
        return [
            *(lambda each=each: world.deliver(each) for each in webhooks),
            *(lambda each=each: world.hears(each) for each in words),
            *(lambda each=each: self.click(*each) for each in clicks),
        ]

    async def click(self, mirror: Mirror, action: str, user: str) -> str:
        """Click on the card that waited in the morning."""
        first = next(iter(mirror.state.cards))
        text = "not today" if action == "reject" else ""
        return await self.world.clicks(mirror, action, first, user, text)

    async def passes(self, deliveries: Sequence[Delivery], working: Sequence[bool]) -> None:
        """Let everything arrive in this order; the worker is awake after some of it."""
        for delivery, work in zip(deliveries, working, strict=True):
            await delivery()
            if work:
                await self.world.works()
        await self.world.settles(6)
        await self.world.catches_up()


def _heard(event_id: str, text: str, ts: str, thread_ts: str | None) -> Heard:
    return Heard(
        event_id=event_id,
        channel=REPOS[SHOP].channel,
        user=ALICE,
        text=text,
        ts=ts,
        thread_ts=thread_ts,
        is_mention=thread_ts is None,
    )


def normal_form(world: World) -> dict[str, Any]:
    """Return the end of a day without its ids, times and the order between threads."""
    effects = Counter((where_of(each), each.kind, each.sha) for each in world.ground.effects)
    facts = {
        (repo, service): ledger.production(world.facts[repo], service)
        for repo, config in REPOS.items()
        for service in config.production.services
    }
    threads = {mirror.thread_id: _thread(mirror.state) for mirror in world.mirrors.values()}
    return {"effects": effects, "facts": facts, "locks": world.locks, "threads": threads}


def _thread(state: State) -> dict[str, Any]:
    specs = [(card, card.request.spec) for card in state.cards.values()]
    return {
        "cards": [
            (s.tool, s.sha, s.production_was, card.status, card.approvers, card.decided_by)
            for card, s in specs
        ],
        "runs": [(where_of(run.attempt), run.outcome) for run in state.runs.values()],
        "stagings": [(staging.sha, staging.passed) for staging in state.stagings],
        "words": [(words.user, words.text) for words in state.words],
        "says": [say.because for say in state.says],
        "end": (state.stopped_by, state.plan_ended is not None, state.mode, state.plan),
    }


def test_any_order_ends_the_same(lab: Lab) -> None:
    quiet = lab.run(Day.begins(lab))
    count = len(quiet.deliveries())
    once = quiet.deliveries(doubled=False)
    lab.run(quiet.passes(once, [True] * len(once)))
    expected = normal_form(quiet.world)
    assert len(expected["threads"]) == 5

    @whatever
    @given(order=st.permutations(range(count)), working=st.lists(st.booleans(), min_size=count))
    def ends_the_same(order: list[int], working: list[bool]) -> None:
        day = lab.run(Day.begins(lab))
        deliveries = day.deliveries()
        shuffled = [deliveries[number] for number in order]
        lab.run(day.passes(shuffled, working[:count]))
        assert normal_form(day.world) == expected

    ends_the_same()


def test_merges_of_the_same_services_end_at_the_newest(lab: Lab) -> None:
    """Whichever webhook comes first, and whoever ships whom: nothing is lost, nothing goes back."""

    @whatever
    @given(
        order=st.permutations((1, 3, 4)),
        working=st.lists(st.booleans(), min_size=3, max_size=3),
        both=st.booleans(),
    )
    def ends_at_the_newest(order: list[int], working: list[bool], both: bool) -> None:
        world = World(lab)
        lab.run(world.begin())
        lab.run(_ship(world, order, working, both))
        threads = {mirror.state.sha: mirror.state for mirror in world.mirrors.values()}
        for index in order:
            state = threads[BRANCH[SHOP][index]]
            while state.joined:
                assert ORDER[state.joined.into.sha] > ORDER[state.sha or ""]
                state = threads[state.joined.into.sha]
            assert state.has_shipped or state.lapsed, f"merge {index} is lost"
        for service in REPOS[SHOP].production.services:
            where = f"{SHOP}/production/{service}"
            shipped = [ORDER[e.sha] for e in world.ground.effects if where_of(e) == where]
            assert shipped == sorted(set(shipped)), "an older one replaced a newer one"
            assert world.ground.runs[where] == BRANCH[SHOP][4], "the newest is not there"

    ends_at_the_newest()


async def _ship(world: World, order: Sequence[int], working: Sequence[bool], both: bool) -> None:
    """Merge in an order, then let one approver take every question until none is left."""
    for index, work in zip(order, working, strict=True):
        await world.deliver(world.webhook(SHOP, index, f"lane{index}"))
        if work:
            await world.works()
    for _ in range(QUESTIONS):
        await world.settles(6)
        await world.catches_up()
        if not world.waiting():
            return
        mirror, card = world.waiting()[0]
        offer = mirror.state.offer
        if offer:
            action = "ship_both" if both else "keep_this"
            number = str(len(mirror.state.offers) - 1)
            await world.clicks(mirror, action, card.request.call_id, ERIN, number)
        else:
            await world.clicks(mirror, "approve", card.request.call_id, ERIN)


def test_order_decides_only_who_was_first(lab: Lab) -> None:
    """Two people who want different things of one card: one is heard, the other is told."""

    @whatever
    @given(
        order=st.permutations([("approve", ERIN), ("approve", CARA), ("reject", ALICE)]),
        working=st.lists(st.booleans(), min_size=3, max_size=3),
    )
    def the_first_decides(order: list[tuple[str, str]], working: list[bool]) -> None:
        day = lab.run(Day.begins(lab))
        told: list[str] = []
        for (action, user), work in zip(order, working, strict=True):
            told.append(lab.run(day.click(day.shop, action, user)))
            if work:
                lab.run(day.world.works())
        lab.run(day.world.settles(6))
        lab.run(day.world.catches_up())
        action, user = order[0]
        card = next(iter(day.shop.state.cards.values()))
        assert (card.status, card.decided_by) == (
            "approved" if action == "approve" else "rejected",
            user,
        )
        assert told[0] == ""
        assert all(f"<@{user}> {card.status} this already" in each for each in told[1:])
        shipped = [e for e in day.world.ground.effects if e.attempt_id in card.attempts.values()]
        assert len(shipped) == (action == "approve")

    the_first_decides()
