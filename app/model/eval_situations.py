"""The situations that evaluation cases begin in, each built from real events by the fold."""

from collections.abc import Callable, Mapping

from app.core import events as ev
from app.model.eval_thread import BEGIN, MINUTE, OTHER, SHA, WAS, Thread


def _backend_alone(thread: Thread, words: list[str]) -> None:
    thread.merged(("backend",))
    thread.said(*words)


def _backend_alone_card(thread: Thread, words: list[str]) -> None:
    _backend_alone(thread, [])
    thread.card("deploy_backend_to_prod")
    thread.said(*words)


def _backend_alone_shipped(thread: Thread, words: list[str]) -> None:
    _backend_alone(thread, [])
    thread.ran("deploy_backend_to_prod")
    thread.said(*words)


def _another_shipped(thread: Thread, words: list[str]) -> None:
    thread.running = {"frontend": OTHER}
    _backend_alone_card(thread, words)


def _card(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.card("deploy_frontend_to_prod")
    thread.said(*words)


def _card_of_bob_and_cara(thread: Thread, words: list[str]) -> None:
    thread.merged()
    people = (ev.Candidate(user="U02BOB", name="bob"), ev.Candidate(user="U03CARA", name="cara"))
    own = ev.Candidate(user="U01ALICE", name="alice", why="own change")
    facts = ev.CardFacts(
        approvers=("S0WEB",), candidates=(own, *people), barred=("U01ALICE",), staging="passed"
    )
    thread.card("deploy_frontend_to_prod", facts=facts)
    thread.said(*words)


def _locked_card(thread: Thread, words: list[str]) -> None:
    service = thread.services[-1]
    until = BEGIN + 120 * MINUTE
    thread.blocks[service] = ev.Block(
        service=service, user="U02BOB", reason=thread.title, since=BEGIN, until=until
    )
    thread.merged()
    thread.card(f"deploy_{service}_to_prod")
    thread.said(*words)


def _card_rejected(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.rejected(thread.card("deploy_frontend_to_prod"), " ".join(words))


def _backend_shipped(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.rejected(thread.card("deploy_frontend_to_prod"), thread.earlier or "backend first")
    thread.ran("deploy_backend_to_prod")
    thread.said(*words)


def _frontend_card_after_backend(thread: Thread, words: list[str]) -> None:
    _backend_shipped(thread, [])
    thread.card("deploy_frontend_to_prod")
    thread.said(*words)


def _staged(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.said(*words)


def _everything_there(thread: Thread, words: list[str]) -> None:
    thread.running = dict.fromkeys(thread.services, SHA)
    _staged(thread, words)


def _all_shipped(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.shipped()
    thread.said(*words)


def _staging(thread: Thread, words: list[str]) -> None:
    _on_staging(thread)
    thread.said(*words)


def _approved_ahead(thread: Thread, words: list[str]) -> None:
    request = _on_staging(thread)
    granted = ev.ApprovalGranted(
        call_id=request.call_id, spec_hash=request.spec_hash, user="U02BOB"
    )
    thread.add(request, granted)
    thread.said(*words)


def _on_staging(thread: Thread) -> ev.ApprovalRequested:
    """Let the tests run on staging; return what can be approved meanwhile."""
    thread.on_staging()
    asked = Thread(services=thread.services)
    asked.card(f"deploy_{thread.services[0]}_to_prod")
    [request] = [e.event for e in asked.entries if isinstance(e.event, ev.ApprovalRequested)]
    request = request.model_copy(update={"ahead": 1})
    thread.add(ev.ApprovalPrepared(staging=1, request=request))
    return request


def _finished(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.shipped()
    thread.tested(True)
    thread.said(*words)


def _deploy_failed(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.ran("deploy_frontend_to_prod", "failed")
    thread.said(*words)


def _deploying(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.began("deploy_frontend_to_prod")
    thread.fetched()
    thread.said(*words)


def _asked(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.add(ev.ApprovalRejected(call_id=thread.card("deploy_frontend_to_prod"), user="U02BOB"))
    text = "What should I do instead?"
    thread.add(ev.BotSaid(call_id="ask1", text=text, because="question"))
    thread.said(*words)


def _mention(thread: Thread, words: list[str]) -> None:
    thread.mentioned(" ".join(words))


def _mention_after(thread: Thread, words: list[str]) -> None:
    thread.running = dict.fromkeys(thread.services, SHA)
    thread.mentioned(" ".join(words))


def _deploy_pressed(thread: Thread, words: list[str]) -> None:
    thread.started("schedule", SHA, None)
    merges = (ev.Merged(sha=SHA, title=thread.title, author="alice", number=12),)
    was = dict.fromkeys(thread.services, WAS)
    thread.add(ev.UndeployedFound(sha=SHA, merges=merges, was=was))
    thread.add(ev.UndeployedAnswered(user="U03CARA", deploy=True))
    thread.said(*words)
    thread.fetched()


def _waiting(thread: Thread, words: list[str]) -> None:
    thread.merged()
    until = thread.now + 60 * MINUTE
    thread.add(ev.WaitStarted(call_id="wait1", until=until, reason="a person asked"))
    thread.said(*words)


def _flaky(thread: Thread, words: list[str]) -> None:
    thread.on_staging()
    test = "checkout pays"
    before = (ev.FailedBefore(test=test, failed=3, green=3, runs=20),)
    ended = ev.ToolEnded(
        attempt_id="staging", outcome="failed", summary="1 test failed", failing_tests=(test,)
    )
    thread.add(
        ended,
        ev.StagingEnded(sha=SHA, passed=False, summary="e2e: 1 test failed", before=before),
    )
    thread.fetched()
    thread.said(*words)


def _red(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.shipped()
    thread.tested(False)
    thread.said(*words)


def _rollback_card(thread: Thread, words: list[str]) -> None:
    _red(thread, [])
    thread.plan(_rollbacks(thread), WAS)
    thread.said(*words)


def _rolling_back(thread: Thread, words: list[str]) -> None:
    _red(thread, [])
    thread.began(*_rollbacks(thread), sha=WAS)
    thread.fetched()
    thread.said(*words)


def _rollbacks(thread: Thread) -> list[str]:
    return [f"rollback_{service}_in_prod" for service in reversed(thread.services)]


def _planned(thread: Thread, words: list[str]) -> None:
    thread.approval = "plan"
    _staged(thread, words)


def _migration(thread: Thread, words: list[str]) -> None:
    thread.jobs = ("migrate",)
    thread.due = {"migrate": ev.Files(names=("migrations/0042.sql",), total=1)}
    _planned(thread, words)


def _plan_waits(thread: Thread, words: list[str]) -> None:
    _planned(thread, [])
    thread.plan(_deploys(thread))
    thread.said(*words)


def _plan_under_way(thread: Thread, words: list[str]) -> None:
    _planned(thread, [])
    thread.began(*_deploys(thread))
    thread.fetched()
    thread.said(*words)


def _deploys(thread: Thread) -> list[str]:
    return [f"deploy_{service}_to_prod" for service in thread.services]


def _newer_offered(thread: Thread, words: list[str]) -> None:
    _card(thread, [])
    thread.add(ev.NewerOffered(pulls=(_pull(thread),)))
    thread.said(*words)


def _ships_another(thread: Thread, words: list[str]) -> None:
    thread.merged()
    thread.add(ev.Carried(pulls=(_pull(thread),)))
    thread.card("deploy_frontend_to_prod")
    thread.said(*words)


def _pull(thread: Thread) -> ev.Pull:
    return ev.Pull(
        thread_id="acme/shop/fedcba9876",
        sha=OTHER,
        number=14,
        title=thread.title,
        url="https://github.example/acme/shop/pull/14",
        author="dan",
        at=BEGIN,
    )


def _frozen_card(thread: Thread, words: list[str]) -> None:
    service = thread.services[-1]
    until = BEGIN + 14 * 60 * MINUTE
    reason = "nobody watches at night"
    thread.blocks[service] = ev.Block(
        service=service, user="", reason=reason, since=BEGIN, until=until
    )
    thread.merged()
    thread.card(f"deploy_{service}_to_prod")
    thread.said(*words)


SITUATIONS: Mapping[str, Callable[[Thread, list[str]], None]] = {
    "the merge touches the backend alone": _backend_alone,
    "the merge touches the backend alone, a card waits for it": _backend_alone_card,
    "a card waits for backend alone, another team shipped frontend": _another_shipped,
    "the merge touches the backend alone, which was shipped": _backend_alone_shipped,
    "staging is green": _staged,
    "a card waits for frontend": _card,
    "a card waits for frontend, which bob and cara can approve": _card_of_bob_and_cara,
    "a card waits for backend, which bob has locked": _locked_card,
    "the card for frontend was rejected with these words": _card_rejected,
    "the card for frontend was rejected without words": _asked,
    "backend was shipped first": _backend_shipped,
    "backend was shipped, a card waits for frontend": _frontend_card_after_backend,
    "a card waits for backend, which is frozen until the morning": _frozen_card,
    "a card waits for frontend, and a newer merge was tested": _newer_offered,
    "a card waits for frontend, and ships another merge, too": _ships_another,
    "one card may hold several steps, staging is green": _planned,
    "one card may hold several steps, and a migration is due": _migration,
    "a plan for frontend and backend waits": _plan_waits,
    "a plan for frontend and backend is under way": _plan_under_way,
    "everything was on production before": _everything_there,
    "everything was shipped": _all_shipped,
    "the merge is on staging": _staging,
    "the merge is on staging, and bob approved frontend for when it is green": _approved_ahead,
    "finished and green": _finished,
    "the deploy of frontend failed": _deploy_failed,
    "frontend is being deployed": _deploying,
    "a mention with these words": _mention,
    "a mention, after another thread shipped everything": _mention_after,
    "asked about undeployed changes, a person pressed Deploy": _deploy_pressed,
    "an hour's wait has begun": _waiting,
    "staging is red by a test that is known to be flaky": _flaky,
    "red after everything was shipped": _red,
    "red, a card waits for the rollback": _rollback_card,
    "red, the rollback of backend and frontend is under way": _rolling_back,
}
