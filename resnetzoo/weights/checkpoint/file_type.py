"""Recognize by their first bytes files that are mistaken for weights."""

import codecs
import os
import re

from torch import Tensor

from resnetzoo.utils.paths import user_path

SUFFIXES = {".pt", ".pth", ".th", ".tar", ".ckpt", ".bin", ".safetensors"}  # usual suffixes of files of weights


def looks_like_a_file(word: str) -> bool:
    """Whether a word that could also be a name means a file: the file exists, or the word looks like a path."""
    if "/" in word or os.sep in word:  # or an address, which may be longer than any path
        return True
    path = user_path(word)
    return path.exists() or path.suffix.lower() in SUFFIXES


HEAD = 512  # bytes, enough to recognize a file
_LONGEST_HEADER = 100_000_000  # bytes, of safetensors

_BY_MAGIC = (
    (b"\x1f\x8b", "a file compressed by gzip; unpack it first"),
    (b"BZh", "a file compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ\x00", "a file compressed by xz; unpack it first"),
    (b"\x93NUMPY", "an array of numpy (.npy), not weights by name"),
    (b"\x89HDF\r\n\x1a\n", "a file of HDF5, as Keras writes it, not of torch.save"),
    (b"\xff\xd8\xff", "a JPEG image, not weights"),
    (b"\x89PNG", "a PNG image, not weights"),
)
_ONNX = re.compile(rb"\x08[\x01-\x20]\x12.(pytorch|[ -~]{3})", re.DOTALL)  # its version, then who wrote it
_TORCH_TAR = (
    "a tar archive of torch before 0.2, which weights_only=True does not open; if you trust its author, open it with "
    "torch.load(path, weights_only=False) and save the weights with torch.save"
)


def is_safetensors(head: bytes) -> bool:
    """Whether a file begins like safetensors: 8 bytes with the length of a header, followed by the header in JSON."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _LONGEST_HEADER


def is_torch(head: bytes) -> bool:
    """Whether a file begins like an archive of `torch.save`, or like the pickles that it wrote before."""
    return head.startswith((b"PK", b"\x80")) and not is_safetensors(head)


def foreign_kind(head: bytes) -> str | None:
    """The kind of file that begins like this; None if it may hold weights or cannot be recognized."""
    if is_safetensors(head):
        return None
    text = _text(head)
    if text.startswith("version https://git-lfs"):
        return "a pointer of Git LFS, which stands for the file in the repository; fetch the file itself: git lfs pull"
    if re.match(r"<[!?a-z]", text):
        return "a web page, not a checkpoint; the link led to a page about the file: download the file itself"
    if re.match(r'[\[{]\s*["\[{\]}\d]', text):
        return "a text in JSON, not a file of weights"
    if _ONNX.match(head):
        return "a network in ONNX, not a file of weights; load the checkpoint that it was exported from"
    if head[257:262] == b"ustar":
        return _TORCH_TAR if head.startswith(b"sys_info\0") else "a tar archive; unpack it and give the file in it"
    return next((what for magic, what in _BY_MAGIC if head.startswith(magic)), None)


def _text(head: bytes) -> str:
    """The beginning of a UTF-8 or UTF-16 text in lower case; for other files, characters that form no text."""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return head.decode("utf-16" if wide else "utf-8-sig", errors="replace").lstrip().lower()


def kind_of(value: object) -> str:
    """A short description of a value for messages, such as `a list of 3`."""
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
