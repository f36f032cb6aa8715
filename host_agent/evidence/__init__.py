"""What a guest reports, validated; a baseline, which is a report that is kept. Pure."""
