"""How the steps of a run were executed, as data and as the word that results store."""

from dataclasses import dataclass

from resnetzoo.errors import ResultsError


@dataclass(frozen=True)
class Execution:
    """How the steps of a run are executed; if no field is set, eagerly.

    Attributes:
        compiled: forward and backward pass by `torch.compile`.
        recorded: replayed as a CUDA graph.
        shared: computed by several processes, each on its part of the batch.
    """

    compiled: bool = False
    recorded: bool = False
    shared: bool = False

    def __str__(self) -> str:
        return next(word for word, execution in _WORDS.items() if execution == self)

    @classmethod
    def parse(cls, word: str) -> "Execution":
        """The execution that `str` wrote.

        Raises:
            ResultsError: no version of this package writes this word.
        """
        if word not in _WORDS:
            raise ResultsError(f'unknown execution "{word}"; known: {", ".join(_WORDS)}')
        return _WORDS[word]


_WORDS = {
    "eager": Execution(),
    "compiled": Execution(compiled=True),
    "recorded": Execution(recorded=True),
    "compiled and recorded": Execution(compiled=True, recorded=True),
    "shared": Execution(shared=True),
}
