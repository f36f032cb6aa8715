"""One file a format: audits → text. Pure."""
