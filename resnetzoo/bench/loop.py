"""The former place of `LOOP`, which is public."""

from resnetzoo.bench.dataloader_baseline import LOOP as LOOP
