"""``python3 -m guest_agent`` is ``samemachine-guest``."""

from guest_agent.cli import main

if __name__ == "__main__":
    main()
