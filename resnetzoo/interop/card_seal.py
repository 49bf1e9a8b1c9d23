"""The last line of a model card, which shows whether anybody has changed what stands above it."""

import hashlib

_START = "\n<!-- Written by resnetzoo; once it is changed, save_pretrained leaves it alone. "


def sealed_card(text: str) -> str:
    """The card with its last line, a comment that Markdown does not show."""
    return f"{text}{_START}{hashlib.sha256(text.encode()).hexdigest()} -->\n"


def is_untouched(card: str) -> bool:
    """Whether the card is as `sealed_card` gave it."""
    text, start, _ = card.rpartition(_START)
    return bool(start) and sealed_card(text) == card
