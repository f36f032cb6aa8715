"""Machine types raised, staged, rolled back."""
