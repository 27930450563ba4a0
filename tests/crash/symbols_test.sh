#!/bin/sh
# What runs inside a crash handler calls nothing but itself and functions that a signal handler may call: those that
# signal-safety(7) lists, bare system calls, and functions of the C library without locks, memory or state.
# (__cxa_pure_virtual stands in the table of an interface and is never called.)
#
# Usage: symbols_test.sh OBJECT...
set -eu

allowed="
  _exit clock_gettime close fcntl fstat ftruncate getpid getrlimit getuid open pipe2 poll read rename sendmsg sigaction
  sigaddset sigemptyset sigismember pthread_sigmask unlink write nanosleep
  memchr memcmp memcpy memmove memset strlen strnlen
  fallocate mmap prctl syscall
  __cxa_pure_virtual
  _dl_find_object __errno_location __libc_current_sigrtmax __stack_chk_fail _GLOBAL_OFFSET_TABLE_
"

nm=${NM:-nm}
defined=$($nm --defined-only --format=posix "$@" | awk 'NF > 1 { print $1 }' | sort -u)
wanted=$($nm --undefined-only --format=posix "$@" | awk 'NF > 1 { print $1 }' | sort -u)
# Atomic operations of the compiler's own library, which asks for the processor's abilities first: no state but that.
wanted=$(printf '%s\n' "$wanted" | grep -vE '^__aarch64_(cas|swp|ld(add|clr|eor|set))[0-9]+_(relax|acq|rel|acq_rel)$')
# shellcheck disable=SC2086  # the list is words
known=$(printf '%s\n' $defined $allowed | sort -u)
strange=$(printf '%s\n' "$wanted" | while read -r symbol; do
  printf '%s\n' "$known" | grep -qxF -- "$symbol" || printf ' %s\n' "$symbol"
done)
if [ -n "$strange" ]; then
  echo "a crash handler would call:"
  echo "$strange"
  exit 1
fi
echo "the crash handler calls $(printf '%s\n' "$wanted" | wc -l) functions, all of them safe"
