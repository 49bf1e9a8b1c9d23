"""By which endings a file in a folder is known as an image."""

from functools import cache


@cache
def image_suffixes() -> frozenset[str]:
    """The endings of the files that Pillow reads as images; a file that is named itself is read whatever its name."""
    from PIL import Image

    formats = Image.registered_extensions()  # with those that can only be written
    return frozenset(suffix for suffix, name in formats.items() if name in Image.OPEN and _is_decoded(name))


def _is_decoded(name: str) -> bool:
    """Whether Pillow has pixels of a format that it opens: some it only tells by their first bytes."""
    from PIL import Image
    from PIL import ImageFile as PillowFile

    factory = Image.OPEN[name][0]
    return name != "MPEG" and not (isinstance(factory, type) and issubclass(factory, PillowFile.StubImageFile))
