"""The app manifest that a workspace's admin pastes into Slack; knows only the service's address."""

from typing import Any
from urllib.parse import urlsplit

from app.core.errors import UserError

BOT_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
)
BOT_EVENTS = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
)


def manifest(url: str) -> dict[str, Any]:
    """Build the manifest for a service at this public address, https but in tests.

    https://docs.slack.dev/reference/app-manifest
    """
    if not _on_the_web(url):
        raise UserError(
            "--url has to be the service's public address, like https://bot.example.com, "
            f"and {url!r} is not."
        )
    endpoint = f"{url.rstrip('/')}/slack/events"
    return {
        "display_information": {
            "name": "deploybot",
            "description": "Merge, talk to the deploy, approve each production step.",
        },
        "features": {
            "agent_view": {
                "agent_description": "Deploys what was merged, and asks before production changes.",
            },
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "deploybot", "always_online": True},
            "slash_commands": [
                {
                    "command": "/deploybot",
                    "url": endpoint,
                    "description": "Show what waits for approval here, lock and unlock services",
                    "usage_hint": "status | what is waiting? | locks | lock … | unlock …",
                    "should_escape": False,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES)}},
        "settings": {
            "event_subscriptions": {"request_url": endpoint, "bot_events": list(BOT_EVENTS)},
            "interactivity": {"is_enabled": True, "request_url": endpoint},
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def _on_the_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # one that is no number is found only when it is asked for
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)
