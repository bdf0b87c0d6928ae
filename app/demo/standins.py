"""The two programs that stand in for Slack and GitHub: where they are and how people use them."""

from app.demo.child import Child, ChildError, free_port
from app.demo.emulate import Emulate, PullRequest
from app.demo.local_slack import Channel, LocalSlack, Person, Workspace

__all__ = [
    "Channel",
    "Child",
    "ChildError",
    "Emulate",
    "LocalSlack",
    "Person",
    "PullRequest",
    "Workspace",
    "free_port",
]
