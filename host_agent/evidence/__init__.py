"""What a guest reports, validated; baselines; what identifies things in both. Pure."""
