"""The lab: real libvirt hosts in namespaces of their own, real guests in them, on one machine.

Nothing of it is left when its process ends, however it ends: every host is a tree of processes
below one first process, which dies with us, and all mounts and networks are those of its
namespaces. The images lie in a cache. The machine's own libvirt is never touched.
"""
