"""The thread log on Redis; the only place that knows redis-py."""
