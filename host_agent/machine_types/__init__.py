"""Names of machine types: who offers them, how long they last, to which to raise."""
