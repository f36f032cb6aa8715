"""A fleet's memory: what each host's daemon tells one database, and what that answers alone."""
