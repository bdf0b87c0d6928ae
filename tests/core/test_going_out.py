"""Merges that go out with another one: their authors hear of it, and the day's answer has them."""

from app.core import events as ev
from app.core.cards import Asked
from app.core.happened import effect_of
from tests.core.box import OLD
from tests.core.test_day_questions import told
from tests.core.town import DORA, FOUR, ONE, SHAS, THREE, TWO, Town, goes_along, town, turned_down
from tests.fake_source import FakeSource
from tests.shop import BOB, CARA, REPO

FIRST = "<https://github.com/acme/shop/pull/1|#1> Change 1"
WENT_OUT = "what went out today?"


async def together(**changes: object) -> Town:
    """Let the second merge, bob's, ship dora's first one, too."""
    box = town(FakeSource([OLD, *SHAS]), people={"bob": BOB, "dora": DORA}, **changes)
    await goes_along(box, "dora")
    return box


async def ends(box: Town, sha: str = TWO) -> list[str]:
    """Return what each end of a plan says."""
    says = [f"say:{say.n}" for say in (await box.of(sha)).says if say.because == "done"]
    said = await box.said(sha)
    return [said[slot] for slot in says]


async def test_the_end_calls_the_author_of_each_merge_that_went_along() -> None:
    box = await together()
    assert f"• {FIRST} by <@{DORA}>" in await box.card_says(TWO)
    await box.ships(TWO)
    [done] = await ends(box)
    assert f"<@{BOB}>: On production now: frontend 2222222, backend 2222222." in done
    assert f"*Went out with it:* {FIRST} by <@{DORA}>" in done


async def test_a_later_end_does_not_name_them_again() -> None:
    box = await together()
    box.thread_id = box.thread_of(TWO)
    await box.ships(TWO)
    await box.says("deploy 2222222")
    await box.says("roll back")
    await box.says("stop here")
    named = [FIRST in end for end in await ends(box)]
    assert named.count(True) == 1
    assert named[0]


async def test_who_is_told_in_their_own_thread_what_was_left_out_is_not_called_twice() -> None:
    box = await together()
    box.thread_id = box.thread_of(TWO)
    await box.says("only the backend")
    await box.ships(TWO)
    [done] = await ends(box)
    assert f"*Went out with it:* {FIRST} by dora" in done
    assert f"<@{DORA}>: ⚠️" in (await box.messages(ONE))["ride:0"].text


async def test_a_merge_that_people_had_turned_down_is_named_as_well() -> None:
    box = town(FakeSource([OLD, *SHAS]), people={"dora": DORA})
    await turned_down(box, "dora")
    await box.ships(THREE)
    [done] = await ends(box, THREE)
    assert f"#2> Change 2 by <@{DORA}>" in done


# What went out today?


async def test_what_rode_along_is_in_the_answer_about_the_day() -> None:
    box = await together()
    await box.ships(TWO)
    await box.mentions(WENT_OUT)
    lines = await told(box)
    assert len(lines) == 3
    for line in lines[1:]:
        assert " 2222222 · #2 Change 2 by bob · with #1 by dora · approved by " in line


async def test_of_many_the_history_keeps_some_and_their_number() -> None:
    box = await together()
    state = await box.of(TWO)
    [(_, one)] = state.carried.items()
    many = {f"{REPO}/{n}": one.model_copy(update={"sha": f"{n:040x}"}) for n in range(25)}
    state.carried |= many
    card = next(iter(state.cards.values()))
    told = effect_of(state, Asked(card, card.steps[0]))
    assert (len(told["riders"]), told["riders_total"]) == (20, 26)


async def test_broken_glass_is_no_approval_in_the_answer() -> None:
    box = town()
    await box.merged(ONE)
    for why in ("checkout is down, customers cannot pay and " + "we lose money " * 9, "again"):
        request = (await box.card()).request
        await box.does(
            ev.GlassBroken(
                call_id=request.call_id,
                spec_hash=request.spec_hash,
                user=CARA,
                reason=why,
                lifts=("self_approval",),
            )
        )
    await box.mentions(WENT_OUT)
    lines = await told(box)
    assert "approved by" not in "".join(lines)
    assert f" · 🚨 glass broken by {CARA}: checkout is down, customers cannot pay" in lines[1]
    assert lines[1].endswith(" characters)")
    await box.says("who approved the last one?")
    assert f"🚨 glass broken by {CARA}: again" in (await told(box))[1]


async def test_who_approved_beside_who_broke_it_is_named_as_such() -> None:
    box = town(approvals_needed=3, people={})
    await box.merged(FOUR)
    await box.approves(BOB)
    request = (await box.card()).request
    await box.does(
        ev.GlassBroken(
            call_id=request.call_id,
            spec_hash=request.spec_hash,
            user=CARA,
            reason="it burns",
            lifts=("approvals_needed",),
        )
    )
    await box.mentions(WENT_OUT)
    assert f"approved by {BOB} · 🚨 glass broken by {CARA}: it burns" in (await told(box))[1]
