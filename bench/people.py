"""GitHub and the people of one thread: they merge and click, and read its log to know when."""

import asyncio
import json
import time
from urllib.parse import urlencode

import aiohttp

from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.state import State
from app.redis.log import RedisLog
from bench.shop import CHANNEL, GITHUB_SECRET, SLACK_SECRET
from tests import signing
from tests.adapters.github_bodies import encoded, merged, signed
from tests.shop import BOB, REPO
from tests.waiting import until

PATIENCE_SECONDS = 60


class People:
    """The people of a commit's thread; `http` keeps its connections, as Slack's servers do."""

    def __init__(self, log: RedisLog, http: aiohttp.ClientSession, sha: str) -> None:
        self._log = log
        self._http = http
        self._sha = sha
        self.thread_id = thread_id_for(REPO, "main", sha)

    async def state(self) -> State:
        """Return the thread as it is."""
        return fold(await self._log.read(self.thread_id))

    async def merge(self, url: str) -> None:
        """Merge the commit; GitHub tells the service at this address."""
        body, headers = merge_of(self._sha)
        async with self._http.post(f"{url}/github/webhook", data=body, headers=headers) as answer:
            assert answer.status == 202, answer.status

    async def click(self, url: str, action: str, call_id: str) -> int:
        """Press a button; Slack tells the service at this address. Return its status."""
        body = _pressed(action, f"{self.thread_id}:{call_id}")
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            **signing.slack(body, SLACK_SECRET, str(int(time.time()))),
        }
        async with self._http.post(f"{url}/slack/events", data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def until_known(self, seconds: float) -> None:
        """Wait until the outcome of what runs is known, or known to be unknown."""

        async def known() -> bool:
            return (await self.state()).running is None

        await until(known, seconds)

    async def card(self, but: str = "") -> str:
        """Wait for a card (another than this one), and return its call."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            pending = (await self.state()).pending
            if pending and pending.request.call_id != but:
                return pending.request.call_id
            await asyncio.sleep(0.02)
        raise AssertionError(f"no card: {await self.state()}")


def merge_of(sha: str) -> tuple[bytes, dict[str, str]]:
    """Return the webhook of a commit's merge, signed."""
    body = encoded(merged(pull_request__merge_commit_sha=sha))
    headers = signed(body, GITHUB_SECRET) | {"X-GitHub-Delivery": f"d-{sha}"}
    return body, headers | {"content-type": "application/json"}


def _pressed(action: str, value: str) -> bytes:
    payload = {
        "type": "block_actions",
        "team": {"id": "T01ACME"},
        "user": {"id": BOB, "team_id": "T01ACME"},
        "channel": {"id": CHANNEL},
        "container": {"type": "message", "message_ts": "1.2", "thread_ts": "1.1"},
        "message": {"ts": "1.2", "thread_ts": "1.1"},
        "trigger_id": "123.456",
        "actions": [{"type": "button", "action_id": action, "value": value}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()
