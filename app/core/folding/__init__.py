"""How each event changes the state: one small method for each, by the rooms of app/core/events."""
