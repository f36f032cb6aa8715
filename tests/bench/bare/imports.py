"""Floor: Python with these modules imported, in this order. Called with their names."""

import sys
from importlib import import_module

for name in sys.argv[1:]:
    import_module(name)
