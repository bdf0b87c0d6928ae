"""Other frameworks' programs for the comparison; each runs by itself, in the bench's own .venv."""
