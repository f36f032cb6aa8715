"""Coverage-guided fuzzing of the parsers of what strangers give (make fuzz)."""
