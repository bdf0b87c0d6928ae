"""GitHub's own record of the webhooks it sent us: what failed, and asking for it once more."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter

from app.core.errors import SourceUnavailable
from app.core.finding import Finding
from app.github.client import GitHubClient, NoAnswer, parsed

ROUTE = "/github/webhook"
_PAGE = 100
_NOT_SEEN = (
    "Nothing has to be done: merges are looked for in the branch, too. To have such deliveries "
    "sent again, let the credentials read and write the repository's webhooks."
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A merge's event that never arrived; `guid` is the same however often GitHub sends it.

    `path` is where to ask for it again: of the App, or else of the repository.
    """

    guid: str
    path: str
    of_app: bool


class _Config(BaseModel):
    url: str = ""


class _Hook(BaseModel):
    id: int
    active: bool
    config: _Config


class _Delivery(BaseModel):
    id: int
    guid: str
    delivered_at: datetime
    event: str
    action: str | None
    status_code: int | None
    repository_id: int | None = None

    @property
    def arrived(self) -> bool:
        """Tell whether it was taken; a connection that failed has no status of HTTP."""
        return self.status_code is not None and 200 <= self.status_code < 400


class _Repository(BaseModel):
    id: int


_HOOKS = TypeAdapter(list[_Hook])
_DELIVERIES = TypeAdapter(list[_Delivery])
_REPOSITORY = TypeAdapter(_Repository)


class GitHubDeliveries:
    """Reads the newest 100 deliveries of our webhooks: the App's, and the repository's.

    An App may always see its own. The repository's need "Webhooks" of the repository, read and
    write. https://docs.github.com/en/rest/repos/webhooks, https://docs.github.com/en/rest/apps/webhooks
    """

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def failed(self, repo: str, ms: int) -> list[Failed]:
        """Return the merges' events since a time (ms) that did not arrive, oldest first.

        Raise `SourceUnavailable` where none of the webhooks can be seen, `NoAnswer` if only now.
        """
        found: list[Failed] = []
        refusals: list[SourceUnavailable] = []
        looks = (
            [self._of_app, self._of_repository] if self._client.is_app else [self._of_repository]
        )
        for look in looks:
            try:
                found += await look(repo, datetime.fromtimestamp(ms // 1000, UTC))
            except NoAnswer:
                raise
            except SourceUnavailable as refusal:
                refusals.append(refusal)
        if len(refusals) == len(looks):
            raise refusals[-1]
        return found

    async def again(self, repo: str, delivery: Failed) -> None:
        """Have an event delivered once more; GitHub can for three days."""
        if delivery.of_app:
            await self._client.as_app("POST", delivery.path)
        else:
            await self._client.post(repo, delivery.path)

    async def check(self, repo: str) -> Finding:
        """Say whether failed deliveries can be seen, for `doctor`."""
        try:
            await self.failed(repo, 0)
        except SourceUnavailable as error:
            line = f"{repo}: deliveries of the webhook that failed cannot be seen: {error}"
            return Finding(None, line, _NOT_SEEN)
        return Finding(True, f"{repo}: deliveries of the webhook that failed can be seen.")

    async def _of_app(self, repo: str, after: datetime) -> list[Failed]:
        path = "/hook/deliveries"
        response = await self._client.as_app("GET", f"{path}?per_page={_PAGE}")
        deliveries = parsed(_DELIVERIES, response)
        ours = parsed(_REPOSITORY, await self._client.get(repo, "")).id
        mine = (each for each in deliveries if each.repository_id == ours)
        return [Failed(d.guid, f"{path}/{d.id}/attempts", True) for d in _lost(mine, after)]

    async def _of_repository(self, repo: str, after: datetime) -> list[Failed]:
        hooks = parsed(_HOOKS, await self._client.get(repo, f"/hooks?per_page={_PAGE}"))
        ours = [hook.id for hook in hooks if hook.active and _is_ours(hook.config.url)]
        if not ours:
            raise SourceUnavailable(f"No active webhook of {repo} leads to {ROUTE}.")
        found: list[Failed] = []
        for hook in ours:
            path = f"/hooks/{hook}/deliveries"
            response = await self._client.get(repo, f"{path}?per_page={_PAGE}")
            lost = _lost(parsed(_DELIVERIES, response), after)
            found += [Failed(d.guid, f"{path}/{d.id}/attempts", False) for d in lost]
        return found


def _is_ours(url: str) -> bool:
    try:
        return urlsplit(url).path.rstrip("/").endswith(ROUTE)
    except ValueError:
        return False


def _lost(deliveries: Iterable[_Delivery], after: datetime) -> list[_Delivery]:
    """Return one delivery of each closed pull request's event that never arrived, oldest first."""
    attempts: defaultdict[str, list[_Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if (delivery.event, delivery.action) == ("pull_request", "closed"):
            attempts[delivery.guid].append(delivery)
    lost = [tries[0] for tries in attempts.values() if not any(d.arrived for d in tries)]
    late = [delivery for delivery in lost if delivery.delivered_at >= after]
    return sorted(late, key=lambda delivery: delivery.delivered_at)
