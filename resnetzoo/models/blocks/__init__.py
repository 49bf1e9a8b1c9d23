"""The building blocks: what each one is as data, without torch, and beside it the module that computes its formula.

A new kind of block has a row in `types` and a module in `modules`. Costs, fusion, measurements, drawings, 8-bit
networks and the initialization read the row; none of them knows the kinds of blocks.
"""
