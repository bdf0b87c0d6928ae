"""Deploy one service of the shop: python3 deploy.py <service> <environment> <sha>."""

import subprocess
import sys

import places
import programs
import releases


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def check(service, environment, release, sha):
    """End with the release's own reason when it cannot run here; what runs is not touched."""
    argv = [*programs.command(service, environment, release, sha), "--check"]
    checked = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    if checked.returncode:
        reason = checked.stderr.strip().splitlines()[-1]
        sys.exit(f"{service} {sha[:7]} not deployed to {environment}: {reason}")


def switch(service, environment, release, sha):
    """Replace the running program; put the old one back when the new one does not come up."""
    before = programs.version(service, environment)
    if programs.stop(service, environment):
        say(f"stopped {service} {(before or 'unknown')[:7]}")
    process = programs.start(service, environment, release, sha)
    if programs.runs(service, environment, sha, process):
        return
    programs.stop(service, environment)
    said = programs.last_words(service, environment)
    problem = f"{service} {sha[:7]} did not come up on {environment}, it said {said!r}"
    if before is None:
        sys.exit(f"{problem}; nothing runs there now")
    old = releases.release(service, environment, before)
    programs.runs(service, environment, before, programs.start(service, environment, old, before))
    sys.exit(f"{problem}; {before[:7]} runs again")


def deploy(service, environment, sha):
    say(f"deploying {service} {sha[:7]} to {environment}")
    try:
        release = releases.release(service, environment, sha)
    except releases.NoReleaseError as problem:
        sys.exit(f"{service} {sha[:7]} not deployed to {environment}: {problem}")
    say(f"release is in {release.parent.name}/{sha[:7]}")
    check(service, environment, release, sha)
    say("start-up check passed")
    switch(service, environment, release, sha)
    programs.remember(service, environment, sha)
    say(f"{service} on {environment} reports {sha[:7]} at {places.address(service, environment)}")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in places.SERVICES:
        sys.exit(__doc__)
    if sys.argv[2] not in places.ENVIRONMENTS:
        sys.exit(__doc__)
    deploy(*sys.argv[1:])
