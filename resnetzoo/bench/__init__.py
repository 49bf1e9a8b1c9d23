"""Speed against peers in the same rounds: contestants, calibration, races and their table."""

from resnetzoo.bench.calibration import interpreter as interpreter
from resnetzoo.bench.calibration import matrix_product as matrix_product
from resnetzoo.bench.calibration import memory_copy as memory_copy
from resnetzoo.bench.ours import Fit as Fit
from resnetzoo.bench.ours import batches as batches
from resnetzoo.bench.ours import forward as forward
from resnetzoo.bench.ours import step as step
from resnetzoo.bench.place import Place as Place
from resnetzoo.bench.rivals import NO_RIVALS as NO_RIVALS
from resnetzoo.bench.rivals import Rivals as Rivals
from resnetzoo.bench.rivals import batches_rivals as batches_rivals
from resnetzoo.bench.rivals import create_rivals as create_rivals
from resnetzoo.bench.rivals import forward_rivals as forward_rivals
from resnetzoo.bench.rivals import step_rivals as step_rivals
from resnetzoo.bench.rows import Row as Row
from resnetzoo.bench.rows import ratio as ratio
from resnetzoo.bench.rows import rows_of as rows_of
from resnetzoo.bench.short import Bench as Bench
from resnetzoo.bench.short import short_bench as short_bench
from resnetzoo.bench.table import bench_notes as bench_notes
from resnetzoo.bench.table import bench_table as bench_table
from resnetzoo.bench.timing import Contestant as Contestant
from resnetzoo.bench.timing import TimedCall as TimedCall
from resnetzoo.bench.timing import Timing as Timing
from resnetzoo.bench.timing import race as race
from resnetzoo.bench.timing import warm_up as warm_up
