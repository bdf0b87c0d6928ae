"""Slack in and out; the only place that knows Bolt and the Slack SDK."""
