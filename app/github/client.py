"""How GitHub's REST API is asked: credentials, timeouts, refusals; knows no resource."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from app.core.errors import SourceMissing, SourceUnavailable
from app.github.credentials import Credentials

API_VERSION = "2022-11-28"
TIMEOUT_SECONDS = 10.0
NOT_FOUND = (404, 422)
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, UnicodeError)
UNDOCUMENTED = "GitHub's answer is not what it documents."
T = TypeVar("T")
_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class NoAnswer(SourceUnavailable):
    """GitHub says nothing now: nothing is known about credentials or the repository."""


class NotReached(NoAnswer):
    """Nothing was sent, so nothing was done."""


class GitHubClient:
    """Asks as the credentials' owner; raises `SourceUnavailable` for all but the expected answer.

    That is `NoAnswer`, which is one, where asking later may help.
    """

    def __init__(
        self, base_url: str, credentials: Credentials, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._credentials = credentials
        self._timeout = timeout_seconds
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout_seconds,
            headers={
                "Accept": "application/vnd.github+json",
                "User-Agent": "deploybot",
            },
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def is_app(self) -> bool:
        """Tell whether these are an App's credentials."""
        return self._credentials.app_token() is not None

    async def get(
        self, repo: str, path: str, allow: tuple[int, ...] = (), version: str = API_VERSION
    ) -> httpx.Response:
        """Read something of a repository; `allow` are further statuses that are answers."""
        token = await self._credentials.token(repo, self._call)
        response = await self._send("GET", f"/repos/{repo}{path}", token, version)
        return checked(response, repo, (200, *allow))

    async def post(self, repo: str, path: str) -> None:
        """Ask for something to be done in a repository, without a second try."""
        token = await self._credentials.token(repo, self._call)
        response = await self._send("POST", f"/repos/{repo}{path}", token)
        checked(response, repo, (200, 201, 202))

    async def send(
        self, repo: str, path: str, version: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Ask for something to be done, without a second try; return whatever is answered.

        Raise `NotReached` where nothing was sent, `NoAnswer` where nobody knows.
        """
        try:
            token = await self._credentials.token(repo, self._call)
        except SourceUnavailable as error:
            raise NotReached(str(error)) from None
        return await self._send("POST", f"/repos/{repo}{path}", token, version, body)

    async def as_app(self, method: str, path: str) -> httpx.Response:
        """Ask as the App itself, where `is_app`."""
        response = await self._send(method, f"/app{path}", self._credentials.app_token() or "")
        return checked(response, "the App", (200, 202))

    async def _call(self, method: str, path: str, token: str) -> Mapping[str, Any]:
        response = await self._send(method, path, token)
        checked(response, "the App's installation", (200, 201))
        return parsed(_OBJECT, response)

    async def _send(
        self,
        method: str,
        path: str,
        token: str,
        version: str = API_VERSION,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "X-GitHub-Api-Version": version}
        # A kept connection may have been closed meanwhile; reading once more changes nothing.
        for is_last in (False, True) if method == "GET" else (True,):
            try:
                # The client's own timeout begins anew with every byte.
                async with asyncio.timeout(self._timeout):
                    return await self._client.request(method, path, headers=headers, json=body)
            except _UNSENT:
                if is_last:
                    raise NotReached("GitHub cannot be reached.") from None
            except (httpx.TimeoutException, TimeoutError):
                sentence = f"GitHub did not answer within {self._timeout:g} s."
                raise NoAnswer(sentence) from None
            except httpx.RequestError:
                if is_last:
                    raise NoAnswer("GitHub cannot be reached.") from None
        raise AssertionError("unreachable")


def parsed(kind: TypeAdapter[T], response: httpx.Response) -> T:
    """Return the answer's body as what GitHub documents it to be."""
    try:
        return kind.validate_json(response.content)
    except ValidationError:
        raise SourceUnavailable(UNDOCUMENTED) from None


def checked(response: httpx.Response, what: str, good: tuple[int, ...]) -> httpx.Response:
    """Return an answer with one of the good statuses; raise what any other means."""
    status = response.status_code
    if status in good:
        return response
    limited = response.headers.get("x-ratelimit-remaining") == "0"
    if status == 429 or (status == 403 and (limited or "retry-after" in response.headers)):
        raise NoAnswer("GitHub's rate limit is used up.")
    if status >= 500:
        raise NoAnswer(f"GitHub answered with status {status}.")
    kind = SourceMissing if status in NOT_FOUND else SourceUnavailable
    raise kind(_refused(status, what))


def _refused(status: int, what: str) -> str:
    if status == 401:
        return "GitHub does not accept the credentials."
    if status == 403:
        return f"GitHub does not let these credentials read {what}."
    if status in NOT_FOUND:
        return f"GitHub finds no such thing in {what}, or these credentials may not see it."
    if 300 <= status < 400:
        return f"GitHub says that {what} has moved: configure its new name."
    return f"GitHub answered with status {status}."
