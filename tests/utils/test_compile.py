"""Compiling for one kind of input."""

import warnings

import pytest

from resnetzoo.utils.compile import warnings_of_torch_ignored


@pytest.mark.filterwarnings("error")
def test_only_the_advice_of_the_compiler_to_allow_tf32_is_ignored() -> None:
    with warnings_of_torch_ignored():
        warnings.warn("TensorFloat32 tensor cores for float32 matrix multiplication available", stacklevel=1)
        with pytest.raises(UserWarning, match="the disk is full"):
            warnings.warn("the disk is full", stacklevel=1)
