"""Utilities independent of networks: argument checks, atomic files, devices, random states, compiling."""
