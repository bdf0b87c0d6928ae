"""Releases: a service's files as they were at a commit, fetched from GitHub once."""

import base64
import json
import os
import shutil
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import places


class NoReleaseError(Exception):
    """The files of a commit could not be had; says why."""


def release(service, environment, sha):
    """Return the folder with a service's files at a commit, fetching them unless they are here."""
    target = places.folder(service, environment) / "releases" / sha
    if target.exists():
        return target
    files = _fetched(service, sha)
    if not files:
        raise NoReleaseError(f"commit {sha[:7]} has no {service}")
    unfinished = target.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for path, content in files.items():
        (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
        (unfinished / path).write_bytes(content)
    unfinished.rename(target)
    return target


def _fetched(service, sha):
    prefix = f"{service}/"
    entries = _get(f"git/trees/{sha}?recursive=1")["tree"]
    blobs = {e["path"]: e["sha"] for e in entries if e["type"] == "blob"}
    return {
        path.removeprefix(prefix): base64.b64decode(_get(f"git/blobs/{blob}")["content"])
        for path, blob in blobs.items()
        if path.startswith(prefix)
    }


def _get(path):
    api = os.environ.get("SHOP_GITHUB_API", "https://api.github.com")
    repo = os.environ.get("SHOP_REPO", "acme/shop")
    try:
        with urlopen(f"{api}/repos/{repo}/{path}", timeout=10) as response:
            return json.load(response)
    except HTTPError as problem:
        raise NoReleaseError(f"GitHub answered {problem.code} to {path}") from problem
    except URLError as problem:
        raise NoReleaseError(f"GitHub at {api} does not answer ({problem.reason})") from problem
