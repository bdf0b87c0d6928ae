"""The rules that `decide` asks in order: each knows one thing that a thread may have to do."""
