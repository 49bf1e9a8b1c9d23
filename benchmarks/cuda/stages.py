"""The stages of evidence.sh, each a command: `python stages.py STAGE [WORD...]`; figures go to disk at once.

A stage imports what it needs: `pack` and `table`, which come again and again, do not wait for torch.
"""

import importlib
import sys
from collections.abc import Sequence

from evidence import Evidence, Setting

STAGES = {  # module and function, which takes the evidence and the words behind the stage's name
    "env": ("machine", "describe_machine"),
    "smoke": ("smoke", "run_smoke"),
    "smoke-way": ("smoke_ways", "run_way"),
    "steps": ("speed", "time_steps"),
    "compiled": ("speed", "time_compiled"),
    "profile": ("speed", "profile_steps"),
    "loop": ("peers", "time_loops"),
    "infer": ("inference", "time_inference"),
    "train": ("train", "train"),
    "cli": ("product", "run_command"),
    "example": ("product", "run_example"),
    "walls": ("product", "collect_records"),
    "goals": ("goals", "compare_with_goals"),
    "pack": ("packing", "pack"),
    "table": ("evidence", "print_table"),
}


def main(words: Sequence[str]) -> None:
    """Run one stage.

    Raises:
        SystemExit: no such stage, or the exit status of the command that a stage stands for.
    """
    name, *rest = words
    if name not in STAGES:
        sys.exit(f'no stage "{name}"; known: {", ".join(STAGES)}')
    module, function = STAGES[name]
    getattr(importlib.import_module(module), function)(Evidence(Setting.from_environment()), rest)


if __name__ == "__main__":
    main(sys.argv[1:])
