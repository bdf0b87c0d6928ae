"""What always holds, whatever happened: one function for each invariant, by its number."""

from collections.abc import Sequence

from app.core import events as ev
from app.core import glass, glass_uses, hours, lanes, ledger, overriding, reminding, rides, urgency
from app.core.audit import effects as audited
from app.core.events import Attempt, PlanStep
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.spec import plan_hash
from app.redis.chain import Stored, check
from tests.machine.life import FROZEN, STOPPED
from tests.machine.places import BRANCH, MAY_APPROVE, OBJECTION, ORDER, REPOS, owners_of
from tests.machine.staging import i25_what_is_green_on_staging_is_not_replaced_by_what_it_contains
from tests.machine.targets import where_of
from tests.machine.world import Mirror, World
from tools.riders import PUSHER_NOT_ASKED

# What may stand in the log beside a model's call, written with it.
PROPOSALS = (
    ev.ToolProposed,
    ev.ApprovalRequested,
    ev.ApprovalSuperseded,
    ev.ShadowProposed,
    ev.StagingRequested,
    ev.VerificationRequested,
    ev.BotSaid,
    ev.AnswerTold,
    ev.Ignored,
    ev.WaitStarted,
    ev.PlanEnded,
    ev.PlanKept,
    ev.ToolAnswered,
    ev.ToolRefused,
)


# What asks, says or does something.
TOUCHES = (
    ev.ApprovalPrepared,
    ev.ApprovalRequested,
    ev.BotSaid,
    ev.MessagePosted,
    ev.StagingRequested,
    ev.ToolStarted,
)


# By which people, or a new card, say what is to become of a merge.
OF_A_MERGE = (
    ev.HumanSaid,
    ev.ApprovalRequested,
    ev.ApprovalRejected,
    ev.StopRequested,
    ev.Continued,
)


def i1_every_effect_has_live_authorised_approvals_of_its_bytes(world: World) -> None:
    for attempt in _new_effects(world):
        mirror = _thread_of(world, attempt)
        started_at, started = mirror.started[attempt.attempt_id]
        asked = mirror.state.asked(started.call_id)
        assert asked, "what was sent is on no card"
        card, spec, given = asked.card, asked.spec, asked.card.approvals_of(asked.step)
        assert started.attempt == attempt, "what was sent is not what was recorded"
        assert attempt.model_dump(exclude={"attempt_id"}) == spec.model_dump(
            include=set(Attempt.model_fields)
        ), "what was sent is not what the card shows"
        approved = {card.request.spec_hash, *(approval.spec_hash for approval in given)}
        assert {plan_hash(card.request.specs)} == approved
        repo, people = REPOS[attempt.repo], {approval.user for approval in given}
        lifted = card.glass.lifts if card.glass else ()
        needed = 1 if "approvals_needed" in lifted else repo.approvals_needed_for(spec.service)
        assert len(people) >= needed
        bound = people - {card.glass.user} if card.glass and "approvers" in lifted else people
        assert bound <= MAY_APPROVE.intersection(repo.approvers_of(spec.service)), bound
        assert MAY_APPROVE.issuperset(card.approvers), card.approvers
        assert all(each.at < spec.expires_at for each in given), "approved after its time"
        assert started_at < spec.expires_at, "started after its time"


def i1_nobodys_service_is_deployed_unasked(world: World) -> None:
    for attempt in _new_effects(world):
        state = _thread_of(world, attempt).state
        if attempt.kind == "deploy" and state.is_untouched(attempt.service or ""):
            assert state.words, f"the merge changes nothing of {attempt.service}"


def i2_one_attempt_happens_at_most_once(world: World) -> None:
    for attempt in world.ground.effects[world.seen_effects :]:
        same = [e for e in world.ground.effects if e.attempt_id == attempt.attempt_id]
        assert len(same) == 1, f"{where_of(attempt)} had {len(same)} effects of one attempt"
    for mirror, event in _news(world, ev.ToolStarted, ev.ToolEnded):
        assert isinstance(event, (ev.ToolStarted, ev.ToolEnded))
        started = isinstance(event, ev.ToolStarted)
        attempt_id = event.attempt.attempt_id if started else event.attempt_id
        keyed = mirror.started[attempt_id][1].attempt.deployer == "keyed"
        assert keyed or world.ground.sends[attempt_id] <= 1, "sent twice"
        assert _count(mirror, event) == 1, f"{event.type} twice: two workers went on"


def i3_no_effect_comes_after_a_newer_one(world: World) -> None:
    for attempt in _new_effects(world):
        mine = [e for e in world.ground.effects if where_of(e) == where_of(attempt)]
        times = [_thread_of(world, e).started[e.attempt_id][0] for e in mine]
        assert times == sorted(set(times)), "an older attempt arrived after a newer one"
        fences: dict[str, list[int]] = {}
        for each in mine:
            mirror = _thread_of(world, each)
            _, started = mirror.started[each.attempt_id]
            fences.setdefault(mirror.thread_id, []).append(started.fence)
        assert all(numbers == sorted(numbers) for numbers in fences.values())


def i4_one_running_or_unknown_attempt_per_target(world: World) -> None:
    if not _news(world, ev.ToolStarted, ev.ToolEnded, ev.OutcomeStated, ev.LocksReleased):
        return
    busy: dict[str, str] = {}
    for mirror in world.mirrors.values():
        for run in mirror.state.runs.values():
            if run.outcome in (None, "unknown") and run.is_production_effect:
                where = where_of(run.attempt)
                assert where not in busy, f"{where}: also {busy[where]}"
                busy[where] = mirror.thread_id
                lock = world.locks[mirror.repo.name].get(f"production/{run.attempt.service}")
                assert lock == mirror.thread_id, f"{where} is busy, and locked by {lock}"
        mine = {
            name for name, who in world.locks[mirror.repo.name].items() if who == mirror.thread_id
        }
        assert mine == mirror.state.locks, "the locks of the store and of the thread differ"


def i5_what_was_not_approved_never_happens(world: World) -> None:
    for attempt in _new_effects(world):
        mirror = _thread_of(world, attempt)
        _, started = mirror.started[attempt.attempt_id]
        asked = mirror.state.asked(started.call_id)
        status = asked.card.status if asked else "on no card"
        assert status == "approved", f"a card that is {status} was carried out"


def i6_a_click_that_was_taken_is_in_the_log(world: World) -> None:
    for promise in world.promises:
        mirror = world.mirrors[promise.thread_id]
        if promise.action in ("approve", "approve_when_green"):
            card = mirror.state.cards[promise.call_id]
            assert promise.user in card.approvers
        if promise.action == "stop":
            assert any(isinstance(e.event, ev.StopRequested) for e in mirror.entries)
    world.promises.clear()


def i7_success_was_seen_at_the_target(world: World) -> None:
    for mirror, event in _news(world, ev.ToolEnded):
        assert isinstance(event, ev.ToolEnded)
        if event.outcome == "succeeded":
            fate = world.ground.fates.get(event.attempt_id)
            assert fate in ("works", "loses"), f"{mirror.thread_id} believes that it {fate}"


def i8_only_a_rollback_goes_back(world: World) -> None:
    for attempt in _new_effects(world):
        mirror = _thread_of(world, attempt)
        _, started = mirror.started[attempt.attempt_id]
        asked = mirror.state.asked(started.call_id)
        assert asked
        spec = asked.spec
        assert attempt.sha in BRANCH[attempt.repo], "a foreign commit"
        if spec.kind == "deploy" and spec.production_was:
            assert ORDER[attempt.sha] > ORDER[spec.production_was], "went back without a rollback"
        if spec.production_was and where_of(attempt) not in world.disputed:
            before = world.ground.before[attempt.attempt_id]
            assert spec.production_was == before, "production was not what the card said"


def i9_what_comes_twice_counts_once(world: World) -> None:
    for mirror, event in _news(world, ev.ThreadStarted, ev.HumanSaid):
        if isinstance(event, ev.ThreadStarted):
            assert mirror.entries[0].event == event, "a thread began twice"
        elif isinstance(event, ev.HumanSaid) and event.ts:
            said = [e.event.ts for e in mirror.entries if isinstance(e.event, ev.HumanSaid)]
            assert said.count(event.ts) == 1, "words were heard twice"


def i12_nobody_approves_an_own_change(world: World) -> None:
    for mirror, event in _news(world, ev.ApprovalGranted):
        assert isinstance(event, ev.ApprovalGranted)
        card = mirror.state.cards[event.call_id]
        for step in card.steps:
            if not event.covers or step.name in event.covers:
                is_own = step.spec.sha == mirror.state.sha
                carried = mirror.state.carried.values() if is_own else ()
                for sha in (step.spec.sha, *(pull.sha for pull in carried)):
                    owners = _owners(world, step, sha, card.at)
                    assert event.user not in owners, f"{event.user} approved an own change"
                owners = _taken_out(world, step, card.at)
                assert event.user not in owners, f"{event.user} took their own change back alone"


def _owners(world: World, step: PlanStep, sha: str, card_at: int) -> frozenset[str]:
    """Return whose change a step brings; only a rollback may be shown without who pushed it."""
    spec = step.spec
    merge = world.mirrors.get(thread_id_for(spec.repo, "main", sha))
    merge_seen = merge is not None and merge.state.started_at <= card_at
    asked = PUSHER_NOT_ASKED not in step.facts.unchecked
    assert asked or spec.kind == "rollback", "asked for approval without knowing who pushed"
    return owners_of(sha, merge_seen, asked)


def _taken_out(world: World, step: PlanStep, card_at: int) -> frozenset[str]:
    """Return whose change a rollback takes out, as far as its merge's thread was there to say."""
    spec, was = step.spec, step.spec.production_was
    merge = world.mirrors.get(thread_id_for(spec.repo, "main", was)) if was else None
    if spec.kind != "rollback" or was is None or merge is None:
        return frozenset()
    unseen = merge.state.started_at > card_at or merge.state.is_untouched(step.name)
    return frozenset() if unseen else owners_of(was, merge_seen=True, pusher_asked=False)


def i13_a_model_only_proposes(world: World) -> None:
    by_model = {entry.write for _, entry in world.news if isinstance(entry.event, ev.ToolProposed)}
    for mirror, entry in world.news:
        if entry.write in by_model:
            assert isinstance(entry.event, PROPOSALS), f"a model's turn wrote {entry.event.type}"
        if isinstance(entry.event, (ev.ApprovalRequested, ev.ShadowProposed, ev.StagingRequested)):
            event = entry.event
            sha = event.spec.sha if isinstance(event, ev.ApprovalRequested) else event.sha
            assert sha in BRANCH[mirror.repo.name], "a commit that nobody put into the thread"


def i14_nothing_begins_that_is_locked_frozen_or_stopped(world: World) -> None:
    """Hold for what stood when the process looked for the last time before it sent.

    A lock stands against a rollback, too, and that of a service against the jobs before it; a
    freeze does not stand against a rollback.
    """
    for attempt in _new_effects(world):
        looked = world.ground.looked[attempt.attempt_id]
        assert looked is not None, "sent without a last look"
        target = REPOS[attempt.repo].production.targets[attempt.service or ""]
        kept = {attempt.service, target.before}
        assert looked.isdisjoint(kept), f"{where_of(attempt)} was locked"
        may = attempt.kind == "rollback" or "freeze" in _lifted(world, attempt)
        assert FROZEN not in looked or may, f"{where_of(attempt)} was frozen"
        assert STOPPED not in looked, f"{where_of(attempt)} was stopped"


def facts_agree_with_the_targets(world: World) -> None:
    settled = _news(world, ev.ToolEnded, ev.OutcomeStated)
    for mirror, event in settled:
        assert isinstance(event, (ev.ToolEnded, ev.OutcomeStated))
        run = mirror.state.runs[event.attempt_id]
        # Changed by hand while it ran: a target that cannot be asked shows it to nobody.
        where, said = where_of(run.attempt), isinstance(event, ev.OutcomeStated)
        if run.outcome == "succeeded" and not said and world.ground.runs[where] == run.attempt.sha:
            world.disputed.discard(where)
    open_targets = {
        where_of(run.attempt)
        for mirror in world.mirrors.values()
        for run in mirror.state.runs.values()
        if run.is_production_effect and run.outcome in (None, "unknown")
    }
    for repo, config in REPOS.items():
        for service in config.production.services:
            where = f"{repo}/production/{service}"
            recorded = ledger.production(world.facts[repo], service)
            if recorded is None or where in open_targets or where in world.disputed:
                continue
            actual = world.ground.runs[where]
            assert recorded == actual, f"{where} runs {actual[:7]}, recorded is {recorded[:7]}"


def faults_are_only_those_of_the_targets(world: World) -> None:
    failed = _news(world, ev.StepFailed)
    world.lab.counts["StepFailed"] += len(failed)
    assert len(failed) <= world.ground.broke, "a step failed by itself"
    if failed:
        world.ground.broke -= len(failed)


def i15_a_rollback_goes_to_what_passed_or_what_people_named(world: World) -> None:
    back = [attempt for attempt in _new_effects(world) if attempt.kind == "rollback"]
    for attempt in back:
        if REPOS[attempt.repo].production.e2e is None:
            continue
        ends = (e.event for m in world.mirrors.values() for e in m.entries)
        passed = [e.versions for e in ends if isinstance(e, ev.VerificationEnded) and e.passed]
        tested = any(each.get(attempt.service or "") == attempt.sha for each in passed)
        assert tested or attempt.sha in _thread_of(world, attempt).state.named, "nobody named it"


def i16_red_tests_stop_a_deploy_unless_an_approver_overrode_them(world: World) -> None:
    """Hold for each card of a deploy: its commit passed staging before, or was overridden."""
    for mirror, event in _news(world, ev.StagingOverridden):
        assert isinstance(event, ev.StagingOverridden)
        assert event.user in MAY_APPROVE, f"{event.user} overrode red tests"
        assert len(event.reason) >= overriding.SHORTEST_REASON
        world.good.add((mirror.repo.name, event.sha))
    for mirror, event in _news(world, ev.StagingEnded):
        assert isinstance(event, ev.StagingEnded)
        if event.passed:
            world.good.add((mirror.repo.name, event.sha))
    for mirror, event in _news(world, ev.ApprovalRequested):
        assert isinstance(event, ev.ApprovalRequested)
        for spec in () if event.ahead else event.specs:
            good = (mirror.repo.name, spec.sha) in world.good
            assert good or spec.kind == "rollback", f"{spec.sha[:7]} is red on staging"


def i21_nothing_begins_before_its_staging_is_green(world: World) -> None:
    """Hold for each start of a deploy or a job: also of what was approved ahead of that."""
    for mirror, entry in world.news:
        started = entry.event
        if not isinstance(started, ev.ToolStarted) or started.attempt.environment == "staging":
            continue
        attempt = started.attempt
        if attempt.kind in ("rollback", "e2e"):
            continue
        own = mirror.entries[: next(n for n, e in enumerate(mirror.entries) if e is entry)]
        asked = mirror.state.asked(started.call_id)
        if asked and asked.card.request.ahead:
            took = [e.event for e in own if isinstance(e.event, ev.ApprovalTookEffect)]
            assert asked.card.request.call_id in [each.call_id for each in took]
            assert any(_is_green(e, attempt.sha) for e in own), "begun ahead of its staging"
        others = [m for m in world.mirrors.values() if m.repo is mirror.repo and m is not mirror]
        before = [*own, *(e for m in others for e in m.entries if e.at <= entry.at)]
        assert any(_is_good(e, attempt.sha) for e in before), f"{attempt.sha[:7]} was never staged"


def _is_green(entry: ev.Entry, sha: str) -> bool:
    event = entry.event
    return isinstance(event, ev.StagingEnded) and event.passed and event.sha == sha


def _is_good(entry: ev.Entry, sha: str) -> bool:
    event = entry.event
    overridden = isinstance(event, ev.StagingOverridden) and event.sha == sha
    return overridden or _is_green(entry, sha)


def i17_people_are_called_once_of_a_kind_and_in_working_time(world: World) -> None:
    for mirror, entry in world.news:
        event = entry.event
        if not isinstance(event, ev.ApproversReminded):
            continue
        calls = [call.kind for call in mirror.state.cards[event.call_id].reminded]
        assert len(calls) == len(set(calls)), f"called {calls} about one card"
        assert event.whom, "nobody was called"
        if event.kind == "hotfix":
            continue  # at any hour
        # It is decided at the look, which may be a moment before it is written.
        decided = (entry.at - moment for moment in range(0, 60_001, 1000))
        card = mirror.state.cards[event.call_id]
        open_in = reminding.hours_of(mirror.state, mirror.repo, card)
        assert any(hours.is_open(open_in, at) for at in decided), "called at night"


def i18_broken_glass_is_reviewed_by_another(world: World) -> None:
    for mirror, event in _news(world, ev.GlassBroken):
        assert isinstance(event, ev.GlassBroken)
        assert event.user in MAY_APPROVE, f"{event.user} broke the glass"
        assert len(event.reason) >= glass.SHORTEST_REASON
        assert event.lifts, "nothing was lifted"
        listed = {use.call_id for use in glass_uses.unreviewed(world.facts[mirror.repo.name])}
        asked = {use.call_id for m in world.mirrors.values() for use in _asked_about(m)}
        assert event.call_id in listed | asked, "nobody will ever look at it"
    for mirror, event in _news(world, ev.GlassReviewed):
        assert isinstance(event, ev.GlassReviewed)
        uses = {use.name: use for use in mirror.state.reviews[event.call_id].uses}
        assert all(uses[name].user != event.user for name in event.uses), "reviewed an own use"


def i19_who_left_it_to_a_newer_merge_ships_nothing(world: World) -> None:
    for mirror, event in _news(world, ev.Coalesced, ev.Superseded):
        assert isinstance(event, (ev.Coalesced, ev.Superseded))
        assert mirror.state.sha, "no merge left it to another"
        assert ORDER[event.into.sha] > ORDER[mirror.state.sha], "an older merge cannot ship it"
        assert event.into.thread_id in world.mirrors
    for attempt in _new_effects(world):
        mirror = _thread_of(world, attempt)
        assert mirror.state.joined is None or mirror.state.words, "both ship it"


def i20_a_plan_goes_on_in_order_while_it_is_green(world: World) -> None:
    for mirror, event in _news(world, ev.ToolStarted):
        assert isinstance(event, ev.ToolStarted)
        asked = mirror.state.asked(event.call_id)
        if asked is None or len(asked.card.steps) == 1:
            continue
        at = asked.card.steps.index(asked.step)
        before = [asked.card.attempts[step.spec.call_id] for step in asked.card.steps[:at]]
        ends = [mirror.state.runs[attempt].outcome for attempt in before]
        assert set(ends) <= {"succeeded"}, f"went on after {ends}"
        is_last = at + 1 == len(asked.card.steps)
        world.lab.counts["plan through"] += is_last
        world.lab.counts["plan back through"] += is_last and asked.spec.kind == "rollback"
    for mirror, event in _news(world, ev.ToolEnded):
        assert isinstance(event, ev.ToolEnded)
        run = mirror.state.runs[event.attempt_id]
        asked = mirror.state.asked(run.call_id)
        world.lab.counts["plan void"] += bool(asked and asked.card.left and asked.card.void)


def i26_urgency_follows_a_change_and_comes_from_nowhere_else(world: World) -> None:
    for _, event in _news(world, ev.MarkedUrgent):
        assert isinstance(event, ev.MarkedUrgent)
        if event.of:
            said = world.mirrors[event.of.thread_id].entries
            assert any(isinstance(entry.event, ev.UrgencyPassed) for entry in said), (
                "nobody said so"
            )


def _asked_about(mirror: Mirror) -> list[ev.GlassUse]:
    return [use for review in mirror.state.reviews.values() for use in review.uses]


def i22_what_is_only_watched_is_not_touched(world: World) -> None:
    """Hold for shadow mode: nothing is asked, said or done, on staging neither."""
    for attempt in world.ground.effects[world.seen_effects :]:
        assert REPOS[attempt.repo].mode == "live", f"{where_of(attempt)} was only to be watched"
    for mirror, entry in world.news:
        if mirror.repo.mode == "shadow":
            assert not isinstance(entry.event, TOUCHES), f"{entry.event.type} in shadow mode"


def i23_words_hold_a_card_until_they_are_heard_taken_back_or_released(world: World) -> None:
    """Hold for each approval and each start: no words held its card at that moment."""
    for mirror, entry in world.news:
        event = entry.event
        (call_id, holder), (still, holds) = mirror.held_around(entry)
        if isinstance(event, (ev.ApprovalGranted, ev.ToolStarted)):
            asked = mirror.state.asked(event.call_id)
            card = asked.card if asked else mirror.state.cards.get(event.call_id or "")
            is_held = card and card.request.call_id == call_id and holder
            assert not is_held, f"{event.type} while words of {holder} hold the card"
        if isinstance(event, ev.HumanSaid) and still:
            assert holds, "words that nobody has read hold nothing"
        if isinstance(event, ev.ApprovalReleased):
            assert event.user in MAY_APPROVE, f"{event.user} released a card"
        if holder and not holds and still == call_id:
            world.lab.counts["let go"] += 1
            assert _may_let_go(mirror, entry, holder), f"{event.type} dismissed {holder}'s words"


def _may_let_go(mirror: Mirror, entry: ev.Entry, holder: str) -> bool:
    """Tell whether an entry is the agent's answer, the writer's own word, or a release."""
    if isinstance(entry.event, ev.PlanKept):
        return entry.event.user == holder
    answers = [e.event for e in mirror.entries if e.write == entry.write]
    is_answer = any(isinstance(event, ev.ToolProposed) for event in answers)
    return is_answer or isinstance(entry.event, ev.ApprovalReleased)


def i24_nothing_counts_ahead_over_a_no_to_what_goes_out_with_it(world: World) -> None:
    """Hold for what people said of another merge between the click and the green staging."""
    for mirror, entry in world.news:
        if not isinstance(entry.event, (ev.ApprovalTookEffect, ev.ApprovalExpired)):
            continue
        card = mirror.state.cards[entry.event.call_id]
        steps = card.steps if card.request.ahead else ()
        riders = {r.thread_id: r for s in steps for r in _riders(world, mirror, s)}.values()
        said_no = [rider for rider in riders if _objected(rider, card.at, entry.at)]
        if isinstance(entry.event, ev.ApprovalTookEffect):
            assert not said_no, f"{mirror.thread_id} brings {said_no[0].thread_id}"
        world.lab.counts["no to a rider"] += bool(said_no)


def _riders(world: World, mirror: Mirror, step: PlanStep) -> list[Mirror]:
    """Return the threads of the other merges that a step brings to its service."""
    spec, repo = step.spec, mirror.repo.name
    if spec.kind != "deploy" or spec.production_was not in ORDER:
        return []
    between = BRANCH[repo][ORDER[spec.production_was] + 1 : ORDER[spec.sha]]
    found = (world.mirrors.get(thread_id_for(repo, "main", sha)) for sha in between)
    return [each for each in found if each and not each.state.is_untouched(step.name)]


def _objected(rider: Mirror, since: int, until: int) -> bool:
    """Tell whether somebody said no to a merge after a time, and nobody anything else of it."""
    before = [entry for entry in rider.entries if entry.at < until]
    state = fold(before)
    if state.joined or state.effects or state.shipped:
        return False
    said = [e.event for e in before if e.at > since and isinstance(e.event, OF_A_MERGE)]
    newest = said[-1] if said else None
    if isinstance(newest, ev.HumanSaid):
        return newest.text == OBJECTION
    return isinstance(newest, (ev.ApprovalRejected, ev.StopRequested))


INVARIANTS = (
    i1_every_effect_has_live_authorised_approvals_of_its_bytes,
    i1_nobodys_service_is_deployed_unasked,
    i2_one_attempt_happens_at_most_once,
    i3_no_effect_comes_after_a_newer_one,
    i4_one_running_or_unknown_attempt_per_target,
    i5_what_was_not_approved_never_happens,
    i6_a_click_that_was_taken_is_in_the_log,
    i7_success_was_seen_at_the_target,
    i8_only_a_rollback_goes_back,
    i9_what_comes_twice_counts_once,
    i12_nobody_approves_an_own_change,
    i13_a_model_only_proposes,
    i14_nothing_begins_that_is_locked_frozen_or_stopped,
    i15_a_rollback_goes_to_what_passed_or_what_people_named,
    i16_red_tests_stop_a_deploy_unless_an_approver_overrode_them,
    i17_people_are_called_once_of_a_kind_and_in_working_time,
    i18_broken_glass_is_reviewed_by_another,
    i19_who_left_it_to_a_newer_merge_ships_nothing,
    i20_a_plan_goes_on_in_order_while_it_is_green,
    i21_nothing_begins_before_its_staging_is_green,
    i22_what_is_only_watched_is_not_touched,
    i23_words_hold_a_card_until_they_are_heard_taken_back_or_released,
    i24_nothing_counts_ahead_over_a_no_to_what_goes_out_with_it,
    i25_what_is_green_on_staging_is_not_replaced_by_what_it_contains,
    i26_urgency_follows_a_change_and_comes_from_nowhere_else,
    facts_agree_with_the_targets,
    faults_are_only_those_of_the_targets,
)


def i10_every_thread_has_an_end_or_waits_for_people(world: World) -> None:
    """Hold once all faults have ceased and nothing is due any more."""
    for mirror in world.mirrors.values():
        state = mirror.state
        assert state.running is None, f"{mirror.thread_id} runs for ever"
        assert state.approved is None or _waits_for_a_lock(world, mirror), "approved, and no more"
        assert _rests(world, mirror) or _waits_for_a_lock(world, mirror), _told(mirror)
        assert state.joined is None or _is_carried(world, mirror), "nobody ships it"
    told = [name for facts in world.facts.values() for name in facts if name.startswith(rides.FACT)]
    assert not told, "who ships with another does not hear how it ended"
    left = [n for facts in world.facts.values() for n in facts if n.startswith(urgency.FACT)]
    assert not left, "who ships an urgent change does not hear that it is urgent"


def i11_the_chain_holds_every_effect(world: World, stored: Sequence[Stored]) -> None:
    """Hold at the end of a run: no line was changed, and every effect has its clicks."""
    recorded: set[str] = set()
    for thread in stored:
        chain = check(thread)
        assert not chain.breaks, chain.breaks
        assert not chain.unlinked
        for effect in audited(world.mirrors[thread.thread_id].entries):
            assert not effect.problems, effect.problems
            recorded.add(effect.attempt.attempt_id)
    happened = {e.attempt_id for e in world.ground.effects if _in_production(e)}
    assert happened <= recorded, "an effect that no thread knows"


def _rests(world: World, mirror: Mirror) -> bool:
    state = mirror.state
    staging = state.staging
    red = staging is not None and staging.passed is False
    ended = state.plan_ended is not None and not state.effects
    waits = (state.pending, state.unknown, state.question, state.stopped_by, state.wait)
    ended = ended or state.only_locks or state.joined is not None
    ended = ended or state.undeployed is not None or state.shadow
    ended = ended or state.out_at is not None or bool(state.taken_back)  # by another merge
    return (
        _waits_for_another(world, mirror)
        or any(waits)
        or ended
        or state.lapsed
        or red
        or _talked(mirror)
    )


def _is_carried(world: World, mirror: Mirror) -> bool:
    """Tell whether a newer merge has taken this one up, or has yet to do so."""
    into = mirror
    while into.state.joined:
        into = world.mirrors[into.state.joined.into.thread_id]
        if mirror.thread_id in into.state.carried:
            return True
    return f"{lanes.RIDER}{mirror.thread_id}" in world.facts[mirror.repo.name]


def _lifted(world: World, attempt: Attempt) -> Sequence[ev.Lift]:
    """Return the rules that do not count because somebody broke the glass."""
    mirror = _thread_of(world, attempt)
    asked = mirror.state.asked(mirror.started[attempt.attempt_id][1].call_id)
    return asked.card.lifted if asked else ()


def _waits_for_another(world: World, mirror: Mirror) -> bool:
    """Tell whether an older merge of the same services has to be decided first."""
    tested = lanes.stage_of(mirror.state, mirror.repo) == "tested"
    return tested and bool(lanes.before(mirror.state, world.facts[mirror.repo.name]))


def _talked(mirror: Mirror) -> bool:
    """Tell whether the last thing was an answer to somebody, which left nothing to do.

    Or whoever began a thread by words took back what the bot asked about them.
    """
    kinds = (ev.ToolProposed, ev.PlanKept)
    steps = [e.event for e in mirror.entries if isinstance(e.event, kinds)]
    if not steps or mirror.state.turn_due:
        return False
    if isinstance(steps[-1], ev.PlanKept):
        return mirror.state.origin == "mention" and not mirror.state.cards
    return steps[-1].tool in ("reply", "ignore", "tell_facts")


def _waits_for_a_lock(world: World, mirror: Mirror) -> bool:
    waits = mirror.state.waits_for_lock
    if waits is None:
        return False
    holder = world.locks[mirror.repo.name].get(waits.target)
    return holder is not None and holder != mirror.thread_id


def _told(mirror: Mirror) -> str:
    events = "\n".join(f"{e.at} {e.event!r}"[:300] for e in mirror.entries[-15:])
    return f"{mirror.thread_id} neither ended nor asks anybody:\n{events}"


def _count(mirror: Mirror, event: ev.ToolStarted | ev.ToolEnded) -> int:
    """Count the events of a kind about the same attempt."""
    if isinstance(event, ev.ToolEnded):
        ends = (e.event for e in mirror.entries if isinstance(e.event, ev.ToolEnded))
        return sum(end.attempt_id == event.attempt_id for end in ends)
    starts = (e.event for e in mirror.entries if isinstance(e.event, ev.ToolStarted))
    return sum(start.attempt.attempt_id == event.attempt.attempt_id for start in starts)


def _news(world: World, *kinds: type) -> list[tuple[Mirror, ev.Event]]:
    return [(m, entry.event) for m, entry in world.news if isinstance(entry.event, kinds)]


def _in_production(attempt: Attempt) -> bool:
    return attempt.environment == "production" and attempt.kind != "e2e"


def _new_effects(world: World) -> list[Attempt]:
    return [e for e in world.ground.effects[world.seen_effects :] if _in_production(e)]


def _thread_of(world: World, attempt: Attempt) -> Mirror:
    """Return the thread that recorded an attempt before it was sent."""
    mirrors = [m for m in world.mirrors.values() if attempt.attempt_id in m.started]
    assert len(mirrors) == 1, "nobody recorded what happened"
    return mirrors[0]
