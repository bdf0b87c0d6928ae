"""What acts on the world, one file a deployer."""
