"""``python3 -m host_agent`` is ``samemachine``."""

from host_agent.cli import main

if __name__ == "__main__":
    main()
