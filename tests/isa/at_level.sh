#!/bin/sh
# at_level.sh LEVEL PROGRAM...  Runs a test program held to an instruction-set level (generic, avx2, avx512), or skips it: where the processor
# lacks that, and where it is the processor's best, at which the other suites run.
set -eu

has() {
    for flag; do
        grep -qw -- "$flag" /proc/cpuinfo || return 1
    done
}

skip() {
    echo "skip $(basename "$program") at $level: $1"
    exit 0
}

level=$1 program=$2
shift
best=generic
if has avx2 fma; then best=avx2; fi
if has avx512f avx512bw avx512vl avx512dq; then best=avx512; fi
if [ $best = avx512 ] && has avx512_bf16; then best=avx512bf16; fi

if [ "$level" = "$best" ]; then skip 'the other suites run at this level here'; fi
if [ "$best" = generic ]; then skip 'this processor has no avx2 and fma'; fi
if [ "$level $best" = 'avx512 avx2' ]; then skip 'this processor has no avx512'; fi
LATENTD_ISA=$level exec "$@"
