"""Prompt texts and their evaluation cases, shipped as data."""
