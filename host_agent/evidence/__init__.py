"""What a guest reports, and baselines: such reports, validated and kept. Pure."""
