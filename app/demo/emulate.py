"""The local GitHub: starts it, and does in it what people do; knows nothing of the shop."""

import base64
import json
import secrets
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.demo.child import Child, free_port
from app.demo.installed import emulate_argv

Json = dict[str, Any]

NAMES = {"alice": "Alice Lindqvist", "bob": "Bob Okafor", "cara": "Cara Mendes"}
BOT = "deploybot"


class LocalGitHubError(Exception):
    """The local GitHub refused a request; says which and why."""


@dataclass(frozen=True)
class PullRequest:
    """An open pull request: its number, and the commit that it proposes."""

    number: int
    head_sha: str


def token_of(login: str) -> str:
    """Return the token with which the local GitHub takes one for somebody."""
    return f"local-github-{login}"


def identity(login: str, date: str | None = None) -> Json:
    """Return a commit's author; with a date, the commit's SHA is the same every time."""
    who = {"name": NAMES[login], "email": f"{login}@acme.example"}
    return who if date is None else {**who, "date": date}


def _seed(repo: str, mark: str) -> str:
    owner, name = repo.split("/")
    # A token that it does not know counts as the first user: somebody who may not write.
    users = [{"login": "stranger", "name": "Stranger"}, {"login": BOT, "name": "Deploybot"}]
    users.append({"login": mark, "name": "Tells this local GitHub from every other one"})
    users += [{"login": k, "name": v, "email": f"{k}@acme.example"} for k, v in NAMES.items()]
    github = {
        "users": users,
        "orgs": [
            {"login": owner, "members": [{"login": k, "role": "admin"} for k in (BOT, *NAMES)]}
        ],
        "repos": [{"owner": owner, "name": name, "default_branch": "main", "auto_init": False}],
    }
    tokens = {token_of(login): {"login": login, "scopes": ["repo"]} for login in (BOT, *NAMES)}
    return json.dumps({"tokens": tokens, "github": github})


class Emulate:
    """A running local GitHub with one repository, empty at first."""

    def __init__(self, url: str, repo: str = "acme/shop", *, mark: str = BOT) -> None:
        """Use the local GitHub at this address; only the one meant has a user named `mark`."""
        self.url = url
        self.mark = mark
        self.api_url = url
        self.repo = repo
        self.token = token_of(BOT)

    @classmethod
    @asynccontextmanager
    async def run(
        cls, repo: str = "acme/shop", *, port: int = 0, output: Path | None = None
    ) -> AsyncGenerator["Emulate"]:
        """Start one on a loopback port (0: any); end it, and forget everything, at the end."""
        with tempfile.TemporaryDirectory(prefix="emulate-") as folder:
            seed = Path(folder) / "seed.json"
            port = port or free_port()
            mark = f"mark-{secrets.token_hex(8)}"
            seed.write_text(_seed(repo, mark))
            github = cls(f"http://127.0.0.1:{port}", repo, mark=mark)
            argv = [*emulate_argv(), "start", "--service", "github", "--port", str(port)]
            argv += ["--seed", str(seed), "--base-url", github.url]
            child = Child(argv, output or Path(folder) / "output.txt", cwd=Path(folder))
            try:
                await child.ready(github.answers)
                yield github
            finally:
                await child.end()

    async def answers(self) -> bool:
        """Return whether it takes requests, and is the one that is meant."""
        try:
            found = await self.get(f"/users/{self.mark}")
            return bool(await self.get(f"/repos/{self.repo}")) and found["login"] == self.mark
        except (httpx.TransportError, LocalGitHubError):
            return False

    async def register_webhook(self, url: str, secret: str) -> None:
        """Have pull_request events delivered, signed; once, without a second try."""
        config = {"url": url, "secret": secret, "content_type": "json"}
        await self._repo("POST", "/hooks", BOT, {"events": ["pull_request"], "config": config})

    async def head(self, branch: str = "main") -> str:
        """Return the SHA that a branch points at."""
        return str((await self.get(f"/repos/{self.repo}/git/ref/heads/{branch}"))["object"]["sha"])

    async def read(self, path: str, ref: str = "main") -> str | None:
        """Return a file's text at a commit or branch, None where it is not there."""
        try:
            found = await self.get(f"/repos/{self.repo}/contents/{path}?ref={ref}")
        except LocalGitHubError:
            return None
        return base64.b64decode(found["content"]).decode()

    async def commit(
        self,
        files: Mapping[str, str],
        message: str,
        author: Json,
        parents: Sequence[str] = (),
        tree_of: str | None = None,
        committer: Json | None = None,
    ) -> str:
        """Write a commit with these files over those of `tree_of`, and return its SHA."""
        tree: Json = {
            "tree": [
                {"path": path, "mode": "100644", "type": "blob", "content": text}
                for path, text in files.items()
            ]
        }
        if tree_of is not None:
            base = await self.get(f"/repos/{self.repo}/git/commits/{tree_of}")
            tree["base_tree"] = base["tree"]["sha"]
        tree_sha = (await self._repo("POST", "/git/trees", BOT, tree))["sha"]
        commit = {"message": message, "tree": tree_sha, "parents": list(parents), "author": author}
        if committer is not None:
            commit["committer"] = committer
        return str((await self._repo("POST", "/git/commits", BOT, commit))["sha"])

    async def create_branch(self, branch: str, sha: str) -> None:
        """Point a new branch at a commit."""
        body = {"ref": f"refs/heads/{branch}", "sha": sha}
        await self._repo("POST", "/git/refs", BOT, body)

    async def move_branch(self, branch: str, sha: str) -> None:
        """Point a branch at another commit, whatever it pointed at."""
        body = {"sha": sha, "force": True}
        await self._repo("PATCH", f"/git/refs/heads/{branch}", BOT, body)

    async def open_pull_request(
        self, title: str, body: str, author: str, files: Mapping[str, str]
    ) -> PullRequest:
        """Propose files over the current head of main, on a branch of their own."""
        main = await self.head()
        sha = await self.commit(files, title, identity(author), [main], tree_of=main)
        branch = f"{author}/{sha[:10]}"
        await self.create_branch(branch, sha)
        proposal = {"title": title, "body": body, "head": branch, "base": "main"}
        number = (await self._repo("POST", "/pulls", author, proposal))["number"]
        return PullRequest(int(number), sha)

    async def merge(self, number: int, by: str) -> str:
        """Merge through REST as somebody, and return the merge commit's SHA."""
        pull = await self.get(f"/repos/{self.repo}/pulls/{number}")
        # It merges the head's files onto the base of when the pull request was opened.
        if pull["base"]["sha"] != await self.head():
            raise LocalGitHubError(f"main moved since #{number} was opened: merging would undo it")
        return str((await self._repo("PUT", f"/pulls/{number}/merge", by, {}))["sha"])

    async def get(self, path: str) -> Any:
        """Read one resource of the API."""
        return await self._request("GET", path, BOT, None)

    async def _repo(self, method: str, path: str, login: str, body: Json) -> Json:
        return await self._request(method, f"/repos/{self.repo}{path}", login, body)

    async def _request(self, method: str, path: str, login: str, body: Json | None) -> Any:
        headers = {"Authorization": f"Bearer {token_of(login)}"}
        async with httpx.AsyncClient(base_url=self.url, verify=False, timeout=30) as client:
            response = await client.request(method, path, headers=headers, json=body)
        if response.is_error:
            raise LocalGitHubError(f"{method} {path}: {response.status_code} {response.text[:200]}")
        return response.json()
