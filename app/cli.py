"""The `deploybot` command; each subcommand loads only what it needs, for `serve` stays long."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app.core.errors import ConfigError, StoreUnavailable, UserError

READER_GONE = 128 + 13  # as a shell tells of SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 2 for a mistake in its use or the configuration.

    Where the reader of its output goes away, as `head` does, it ends without a word.
    """
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # what is left of the output must not be tried once more at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _run(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        return command(args)
    except ConfigError as error:
        sys.stderr.write("The configuration has problems:\n")
        sys.stderr.writelines(f"  {problem}\n" for problem in error.problems)
    except (UserError, StoreUnavailable) as error:
        sys.stderr.write(f"{error}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deploybot", description="Deploys from Slack.")
    parser.add_argument("--version", action="version", version=f"deploybot {version('deploybot')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the service")
    half = serve.add_mutually_exclusive_group()
    half.add_argument("--no-worker", action="store_true", help="take events in, act on none")
    half.add_argument("--worker-only", action="store_true", help="act on events, take none in")
    serve.set_defaults(run=_serve)

    demo_parser = commands.add_parser("demo", help="run everything on this machine")
    which = demo_parser.add_mutually_exclusive_group()
    for option, merge in (("--merge", "next"), ("--merge-bad", "bad")):
        which.add_argument(option, dest="merge", action="store_const", const=merge)
    demo_parser.set_defaults(run=_demo)

    check = commands.add_parser("doctor", help="check configuration and surroundings")
    check.set_defaults(run=_doctor)

    print_manifest = commands.add_parser("manifest", help="print the Slack app's manifest")
    print_manifest.add_argument("--url", required=True, help="the service's public address")
    print_manifest.set_defaults(run=_manifest)

    threads = commands.add_parser("threads", help="look at threads")
    verbs = threads.add_subparsers(required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="list the newest threads, and what each waits for")
    listed.set_defaults(run=_list_threads)
    agreed = verbs.add_parser("agreement", help="compare shadow mode with what people did")
    agreed.add_argument("--json", action="store_true", help="print everything, for other programs")
    agreed.set_defaults(run=_agreement)
    shown = verbs.add_parser("show", help="show a thread's events: time, kind, and a line of JSON")
    shown.add_argument("thread_id")
    shown.set_defaults(run=_show_thread)

    audit = commands.add_parser("audit", help="verify a thread, and who approved what it did")
    audit.add_argument("thread_id")
    audit.add_argument("--json", action="store_true", help="print everything, for other programs")
    audit.set_defaults(run=_audit)

    _add_approving(commands)

    locks = commands.add_parser("locks", help="look at what is locked, and unlock it")
    verbs = locks.add_subparsers(required=True, metavar="VERB")
    every = verbs.add_parser("list", help="list people's locks, freezes, holds, targets in use")
    every.set_defaults(run=_list_locks)
    released = verbs.add_parser("release", help="end a person's lock; its thread says who did")
    released.add_argument("repo", metavar="OWNER/NAME")
    released.add_argument("service")
    released.add_argument("--user", required=True, help="your Slack user id, for the record")
    released.set_defaults(run=_release_lock)

    evals = commands.add_parser("eval", help="measure a model on the words of people")
    evals.add_argument("--offline", action="store_true", help="measure the offline planner")
    evals.set_defaults(run=_eval)
    return parser


def _add_approving(commands: Any) -> None:
    token = commands.add_parser("token", help="sign a token for who approves while Slack is down")
    token.add_argument("--user", required=True, help="their Slack user id")
    token.add_argument("--for", required=True, dest="lasts", help="how long it is good, as 30d")
    token.add_argument("--group", action="append", default=[], help="a user group they are in")
    token.set_defaults(run=_token)

    approve = commands.add_parser("approve", help="approve or reject a card while Slack is down")
    approve.add_argument("thread_id")
    approve.add_argument("--call", default="", help="the card; by default the one that waits")
    approve.add_argument("--token-file", type=Path, help="else DEPLOYBOT_TOKEN is the token")
    approve.add_argument("--hash", default="", help="the hash that is approved, for scripts")
    approve.add_argument("--reject", action="store_true", help="reject it instead")
    approve.add_argument("--reason", default="", help="what to do instead, with --reject")
    approve.set_defaults(run=_approve)


def _serve(args: argparse.Namespace) -> int:
    from app import serving

    return asyncio.run(serving.run(work=not args.no_worker, serve=not args.worker_only))


def _demo(args: argparse.Namespace) -> int:
    from app.demo.demo import demo

    return demo(args.merge)


def _doctor(args: argparse.Namespace) -> int:
    from app.doctor import doctor

    return asyncio.run(doctor())


def _list_threads(args: argparse.Namespace) -> int:
    from app.threads import list_threads

    return asyncio.run(list_threads())


def _agreement(args: argparse.Namespace) -> int:
    from app.agreement import agreement

    return asyncio.run(agreement(as_json=args.json))


def _show_thread(args: argparse.Namespace) -> int:
    from app.threads import show_thread

    return asyncio.run(show_thread(args.thread_id))


def _audit(args: argparse.Namespace) -> int:
    from app.audit import audit

    return asyncio.run(audit(args.thread_id, as_json=args.json))


def _token(args: argparse.Namespace) -> int:
    from app.approving import make_token

    return make_token(args.user, args.group, args.lasts)


def _approve(args: argparse.Namespace) -> int:
    from app.approving import Wish, decide

    wish = Wish(args.thread_id, args.call, args.hash, args.reject, args.reason)
    return asyncio.run(decide(wish, args.token_file))


def _list_locks(args: argparse.Namespace) -> int:
    from app.locks import list_locks

    return asyncio.run(list_locks())


def _release_lock(args: argparse.Namespace) -> int:
    from app.locks import release

    return asyncio.run(release(args.repo, args.service, args.user))


def _manifest(args: argparse.Namespace) -> int:
    from app.slack.manifest import manifest

    sys.stdout.write(json.dumps(manifest(args.url), indent=2) + "\n")
    return 0


def _eval(args: argparse.Namespace) -> int:
    from app.measuring import measure

    return asyncio.run(measure(offline=args.offline))


if __name__ == "__main__":
    raise SystemExit(main())
