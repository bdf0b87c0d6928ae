"""What the model can call, one file a tool."""
