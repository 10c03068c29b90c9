# shellcheck shell=bash disable=SC2034  # read by packaging/deps and the recipes
# Compilers and flags of the flavours. Sourced by packaging/deps, in the
# subshell of each build, before a recipe.

AR=ar
RANLIB=ranlib
case $FLAVOUR in
glibc)
    # For the sweeper, the tests and the sanitizers: speed, frames in traces.
    CC=gcc
    CFLAGS="-O2 -g1 -fPIC -fstack-protector-strong"
    SMOKE_LDFLAGS=""
    ;;
musl)
    # For the agent: small, every function in its own section, so that
    # -Wl,--gc-sections drops what is not called, and no tables for unwinding
    # the stack, which nothing does.
    CC=musl-gcc
    CFLAGS="-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"
    SMOKE_LDFLAGS="-static -Wl,--gc-sections"
    ;;
musl-aarch64)
    # The same for the other architecture; what is built runs under emulation.
    CC=$SYSROOT/bin/musl-gcc
    CFLAGS="-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"
    SMOKE_LDFLAGS="-static -Wl,--gc-sections"
    AR=aarch64-linux-gnu-ar
    RANLIB=aarch64-linux-gnu-ranlib
    RUN=(qemu-aarch64-static)
    ;;
esac
