"""Health, metrics and pages over HTTP."""
