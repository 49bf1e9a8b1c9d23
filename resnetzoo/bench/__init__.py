"""Speed against peers in the same rounds: candidates, baselines, calibration, races and their table."""

from resnetzoo.bench.baselines import NO_BASELINES as NO_BASELINES
from resnetzoo.bench.baselines import Baselines as Baselines
from resnetzoo.bench.baselines import batches_baselines as batches_baselines
from resnetzoo.bench.baselines import create_baselines as create_baselines
from resnetzoo.bench.baselines import forward_baselines as forward_baselines
from resnetzoo.bench.baselines import step_baselines as step_baselines
from resnetzoo.bench.candidates import batches as batches
from resnetzoo.bench.candidates import epoch as epoch
from resnetzoo.bench.candidates import forward as forward
from resnetzoo.bench.candidates import step as step
from resnetzoo.bench.dataloader_baseline import LOOP as LOOP
from resnetzoo.bench.environment import Environment as Environment
from resnetzoo.bench.machine_peak import interpreter as interpreter
from resnetzoo.bench.machine_peak import matrix_product as matrix_product
from resnetzoo.bench.machine_peak import memory_copy as memory_copy
from resnetzoo.bench.rows import Row as Row
from resnetzoo.bench.rows import ratio as ratio
from resnetzoo.bench.rows import rows_of as rows_of
from resnetzoo.bench.suite import Bench as Bench
from resnetzoo.bench.suite import short_bench as short_bench
from resnetzoo.bench.table import bench_notes as bench_notes
from resnetzoo.bench.table import bench_table as bench_table
from resnetzoo.bench.timing import Candidate as Candidate
from resnetzoo.bench.timing import TimedCall as TimedCall
from resnetzoo.bench.timing import Timing as Timing
from resnetzoo.bench.timing import race as race
from resnetzoo.bench.timing import warm_up as warm_up

# Former names of the above, for programs that still use them.
NO_RIVALS = NO_BASELINES
"""The former name of `NO_BASELINES`."""
Rivals = Baselines
batches_rivals = batches_baselines
create_rivals = create_baselines
forward_rivals = forward_baselines
step_rivals = step_baselines
Place = Environment
Contestant = Candidate
