"""The packager's test: a guest of each machine type goes from one QEMU package to another.

What is to be done and what it comes to is pure; ``one_type`` and ``run`` drive two hosts of the
lab.
"""
