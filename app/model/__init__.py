"""What answers "what is the next step?"; the only place that knows the model vendor."""
