"""Parse numbers and seeds as typed on the command line."""

from resnetzoo.errors import UsageError
from resnetzoo.utils.text import MOST_DIGITS, shortened, whole_number_in
from resnetzoo.utils.validation import check_seed, check_whole_number


def parse_numbers(field: str, text: str) -> tuple[int, ...]:
    """The numbers in a text: `0,2,5` -> (0, 2, 5), each once.

    Raises:
        UsageError: the text is anything but whole numbers from 0, each of at most 19 digits, separated by commas.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    numbers = [number for word in words if (number := whole_number_in(word)) is not None]
    if not words or len(numbers) < len(words):
        raise UsageError(
            f"{field} must be whole numbers separated by commas, such as 0,1,2, each of at most {MOST_DIGITS} digits, "
            f'not "{shortened(text, 60)}"'
        )
    return tuple(dict.fromkeys(numbers))


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds in a text: `3` means three seeds, (0, 1, 2); with a comma it is a list: `4,` means only seed 4.

    Raises:
        UsageError: the text is neither a number from 1 to 1,000 nor a list of seeds.
    """
    numbers = parse_numbers("seeds", text)
    if "," not in text:
        check_whole_number("seeds", numbers[0], maximum=1_000)
        return tuple(range(numbers[0]))
    for seed in numbers:
        check_seed(seed)
    return numbers
