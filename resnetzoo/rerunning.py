"""Repeat a recorded run and compare: the public names of `resnetzoo.reproduce.rerunning`."""

from resnetzoo.reproduce.rerunning import COMPARED as COMPARED
from resnetzoo.reproduce.rerunning import EXACT as EXACT
from resnetzoo.reproduce.rerunning import Rule as Rule
from resnetzoo.reproduce.rerunning import differences as differences
from resnetzoo.reproduce.rerunning import find_record as find_record
from resnetzoo.reproduce.rerunning import place_differences as place_differences
from resnetzoo.reproduce.rerunning import rerun as rerun
from resnetzoo.reproduce.rerunning import rule_for as rule_for
