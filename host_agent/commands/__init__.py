"""What the command line's commands share, and commands of their own files."""
