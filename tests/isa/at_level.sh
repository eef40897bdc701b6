#!/bin/sh
# at_level.sh LEVEL PROGRAM...  Runs a test program held to an instruction-set level (generic, avx2 or avx512), or skips it where
# the processor lacks that.
set -eu

level=$1
shift
case $level in
avx512) flags='avx512f avx512bw avx512vl avx512dq' ;;
avx2) flags='avx2 fma' ;;
*) flags='' ;;
esac
for flag in $flags; do
    if ! grep -qw -- "$flag" /proc/cpuinfo; then
        echo "skip $(basename "$1") at $level: this processor has no $flag"
        exit 0
    fi
done
LATENTD_ISA=$level exec "$@"
