#!/usr/bin/env bash
# Fifteen minutes of one CUDA device turned into evidence: `evidence.sh first` (215 s), then `evidence.sh second` (525 s).
# Run from the repository's root; README.md beside this file says what may lie where, and which variables there are.
# Every stage asks first what time is left, its figures stand in $OUT/evidence.json and its words in $OUT/evidence.log at
# once, and at most 8 files are written there. What is not finished goes on at the next call.
set -u
part=${1:?first or second}
case $part in
    first) limit=${GPU_LIMIT:-215} ;;
    second) limit=${GPU_LIMIT:-525} ;;
    *) echo "evidence.sh first, or evidence.sh second, not \"$part\"" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
for root in "$PWD" "$here/.." "$here/project"; do
    [ -d "$root/resnetzoo" ] && break
done
root=$(cd "$root" && pwd)
out=${OUT:?the folder for the results}
state=${GPU_STATE:-$HOME/gpu}
mkdir -p "$out" "$state/data" "$state/runs" "$state/site"
out=$(cd "$out" && pwd)
state=$(cd "$state" && pwd)
began=$(date +%s)
exec > >(tee -a "$out/evidence.log") 2>&1
export PYTHONPATH="$root:$state/site" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NO_COLOR=1 COLUMNS=160 MPLBACKEND=Agg
export GPU_STATE=$state GPU_OUT=$out GPU_HERE=$here GPU_DEVICE=${GPU_DEVICE:-cuda}
export RESNETZOO_DATA=${RESNETZOO_DATA:-$state/data}
export CUDA_DEVICE_MAX_CONNECTIONS=32 TORCHINDUCTOR_CACHE_DIR=$state/inductor TRITON_CACHE_DIR=$state/triton
if [ -f "$here/commit" ]; then # its first line; any further one is a file that was changed
    { read -r commit; read -r changed; } <"$here/commit"
    export RESNETZOO_COMMIT=$commit${changed:+-dirty}
fi
[ -f "$state/evidence.json" ] && cp "$state/evidence.json" "$out/"

left() { echo $((limit - ($(date +%s) - began))); }
py() { python3 "$here/stages.py" "$@"; }

# stage NAME NEEDED CAP COMMAND...: skipped with less than NEEDED seconds left, or where GPU_STAGES names others; ended at
# CAP seconds or with the part. Runs that are ended save themselves first.
stage() {
    local name=$1 needed=$2 cap=$3 now rest status
    shift 3
    case " ${GPU_STAGES:-$name} " in *" $name "*) ;; *) return 0 ;; esac
    rest=$(left)
    if [ "$rest" -lt "$needed" ]; then echo "== $name: skipped, $rest s left of $needed needed"; return 0; fi
    [ "$cap" -gt $((rest - 6)) ] && cap=$((rest - 6))
    if [ "$cap" -lt 3 ]; then echo "== $name: skipped, $rest s left"; return 0; fi
    now=$(date +%s)
    echo "== $name: at $((now - began)) s, at most $cap s"
    GPU_DEADLINE=$((now + cap)) timeout --signal=TERM --kill-after=10 "$cap" "$@"
    status=$?
    printf '{"part":"%s","stage":"%s","exit":%d,"seconds":%d,"at":%d}\n' "$part" "$name" "$status" \
        "$(($(date +%s) - now))" "$((now - began))" | tee -a "$state/stages.jsonl"
    py pack
}

# measure NAME NEEDED CAP STAGE WORDS...: a stage of stages.py
measure() {
    local name=$1 needed=$2 cap=$3
    shift 3
    stage "$name" "$needed" "$cap" python3 "$here/stages.py" "$@"
}

# reproduce NEEDED CAP TARGET WORDS...: the project's own command; all targets share their runs
reproduce() {
    local needed=$1 cap=$2 target=$3
    shift 3
    measure "$target" "$needed" "$cap" cli reproduce "$target" "${dataset[@]}" \
        --device "$GPU_DEVICE" --runs "$state/runs" --out "$state/report-$target" "$@"
}

run_tests() { # the tests that need a CUDA device: strict, and where they fail so once more with warnings allowed
    stage tests 25 60 bash -c 'for action in error default; do
        python3 -m pytest -q --no-header -p no:cacheprovider -W $action -m cuda --continue-on-collection-errors \
            tests/training tests/inference tests/utils \
            --junitxml "$GPU_STATE/tests-$action.xml" && break
    done'
}

dataset=(--dataset cifar10 --data-dir "$state/data")
[ -n "${GPU_DATASET:-}" ] && dataset=(--dataset "$GPU_DATASET")

have_data() {
    [ -f "$state/data/ready" ] || [ -n "${GPU_DATASET:-}" ] ||
        python3 -m resnetzoo data --dataset cifar10 --data-dir "$state/data"
}

cd "$root" || exit 2
for letter in a b; do
    archive=$root/.gpu-$letter/cifar10-$letter.xz
    [ -f "$archive" ] && [ ! -f "$state/${archive##*/}" ] && cp "$archive" "$state/"
done
[ -f "$here/unpack.py" ] && cp "$here/unpack.py" "$state/"
if [ ! -f "$state/resumed" ]; then
    for archive in "$here"/unfinished-*.tar; do
        [ -f "$archive" ] && tar xf "$archive" -C "$state" && touch "$state/resumed"
    done
fi
if ls "$here"/whl/*.whl >/dev/null 2>&1 && [ -z "$(ls -A "$state/site")" ]; then
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$state/site" "$here"/whl/*.whl
fi

[ "${GPU_TINY:-}" = 1 ] && short_example="--epochs 1 --max-train-images 256"
further=(plainnet56 resnet56 plainnet32 resnet32)
if [ "$part" = first ]; then
    measure env 10 25 env                                # machine, versions, limits, what a kernel costs
    measure smoke 20 50 smoke                            # whether the CUDA path works; else later stages run eagerly
    measure command 5 15 cli list                        # whether the command line has all that it needs
    run_tests
    measure profile 10 20 profile resnet20               # the kernels of a step by name
    measure steps 25 45 steps resnet20                   # eager, recorded, side by side
    measure loop 20 35 loop resnet20                     # the DataLoader loop, then other networks
    measure infer 10 45 infer                            # eager, optimize as it is and by itself, compiled
    measure steps-deep 25 90 steps resnet56 resnet110
else
    if [ -f "$state/cifar10-a.xz" ] && [ -f "$state/cifar10-b.xz" ] && [ ! -f "$state/data/ready" ]; then
        (cd "$state" && python3 unpack.py data --only bin && touch data/ready) &
        unpacking=$!
    fi
    measure compiled 60 50 compiled resnet20             # while one core unpacks
    [ -n "${unpacking:-}" ] && wait "$unpacking"
    if have_data; then
        # Seconds are for an H200, on which a run of QUICK20 takes half a second a layer if four run side by side.
        # The 20-epoch comparison; then one network at a time by the example, for its wall time.
        reproduce 70 110 source --seeds "${GPU_SEEDS:-3}" --jobs 10 --budget "${GPU_BUDGET:-full}"
        measure alone 45 60 example examples/cifar_compare.py "${dataset[@]}" \
            --device "$GPU_DEVICE" --seeds 0 --out "$state/alone" \
            ${short_example:-}
        measure walls 8 15 walls
        # What a CPU trains in hours only: the depths that figure 6 lacks, then the deepest weights of the package.
        measure figure6 150 190 train --recipe QUICK20 --at-once 4 --models plainnet110 resnet110 plainnet44 resnet44
        measure modern 130 165 train --recipe MODERN --models resnet56
        measure figure6-44 55 80 train --recipe QUICK20 --seeds 1 --models plainnet44 resnet44
        reproduce 70 90 shortcuts --depths 20 --seeds 2 --jobs 8 --budget "${GPU_BUDGET:-short}"
        reproduce 120 150 preactivation --depths 56 --seeds 2 --jobs 8 --budget "${GPU_BUDGET:-short}"
        measure modern-more 100 130 train --recipe MODERN --models resnet32 preresnet20
        measure figure6-110 110 140 train --recipe QUICK20 --seeds 1 --models plainnet110 resnet110
        measure figure6-more 90 130 train --recipe QUICK20 --seeds 2 --models "${further[@]}"
        # with a longer GPU_LIMIT, what fits of the paper's 64,000 steps
        measure paper 35 600 train --recipe HE2015 --at-once 4 --models plainnet20 resnet20 plainnet56 resnet56
        measure walls 4 15 walls
    else
        echo "CIFAR-10 is not here (README.md says how it comes): only the synthetic figures"
    fi
fi
GPU_DEADLINE=$(($(date +%s) + 20)) py pack
py goals
py table
