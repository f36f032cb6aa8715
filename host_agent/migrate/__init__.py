"""One domain moved live, and what forbids it."""
