"""What is written down and outlives the program; and forgetting it."""
