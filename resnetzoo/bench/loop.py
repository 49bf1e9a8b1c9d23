"""The former module of `LOOP`, kept because that name is public."""

from resnetzoo.bench.dataloader_baseline import LOOP as LOOP
