"""Tables and files of compared runs: the public names of `resnetzoo.reproduce.comparison`, and text helpers."""

from resnetzoo.reproduce.comparison import accuracy_table as accuracy_table
from resnetzoo.reproduce.comparison import by_name as by_name
from resnetzoo.reproduce.comparison import measured_on as measured_on
from resnetzoo.reproduce.comparison import provenance_line as provenance_line
from resnetzoo.reproduce.comparison import save_results as save_results
from resnetzoo.reproduce.comparison import seeds_words as seeds_words
from resnetzoo.reproduce.comparison import write_csv as write_csv
from resnetzoo.utils.text import device_words as device_words
from resnetzoo.utils.text import short_fingerprint as short_fingerprint
