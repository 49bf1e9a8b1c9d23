"""The building blocks: each kind is described by data, without torch, and a module computes its formula.

A new kind of block has a row in `types` and a module in `modules`. Costs, fusion, measurements, drawings, 8-bit
networks and the initialization read the row; none of them depends on particular kinds of blocks.
"""
