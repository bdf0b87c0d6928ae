"""Signed and unsigned rubbish at GitHub's door: refused or taken, never a fault."""

from fastapi import FastAPI
from structlog.testing import capture_logs

from app.github.edge import github_routes
from tests import signing
from tests.adapters.github_bodies import SECRET, merged
from tests.adapters.test_workflow_webhook import ran
from tests.fakes import FakeLog
from tests.fuzz.campaign import Campaign
from tests.fuzz.knocking import knock, spoilt
from tests.fuzz.mutation import Mutation, encoded
from tests.shop import REPO, repo_config

EVENTS = ("pull_request", "pull_request", "workflow_run", "workflow_run", "push", "ping", "")


def body_of(case: Mutation, event: str) -> bytes:
    sha = f"{case.getrandbits(4):040x}"  # few, so that runs are of merges that were there
    genuine = ran(head_sha=sha) if event == "workflow_run" else merged()
    if event == "pull_request":
        genuine = merged(pull_request__merge_commit_sha=sha)
    if case.random() < 0.6:
        return encoded(case.value(genuine))
    return case.data(encoded(genuine))


async def test_githubs_door() -> None:
    app = FastAPI()
    log = FakeLog()
    app.include_router(github_routes([SECRET], {REPO: repo_config()}, log))
    with Campaign("github door") as campaign:
        for case in campaign:
            event = case.choice(EVENTS)
            body = body_of(case, event)
            genuine = {
                "x-github-event": event,
                "x-github-delivery": str(case.random()),
                "x-hub-signature-256": signing.github(body, SECRET),
            }
            headers = spoilt(genuine, case)
            with capture_logs() as logged:
                status = await knock(app, "/github/webhook", body, headers)
            assert status in (200, 202, 400, 401)
            signed = headers.get("x-hub-signature-256") == genuine["x-hub-signature-256"]
            assert (status == 401) is not signed
            heard = [line for line in logged if line.get("began") or line.get("woken")]
            assert len(heard) == (status == 202)
