"""What the networks are: their specs, the registry of names, blocks, costs, drawings, and where weights come from."""
