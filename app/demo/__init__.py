"""The local demo: stand-ins for Slack and GitHub, and the example shop."""
