# shellcheck shell=bash disable=SC2034  # read by packaging/deps and the recipes
# Compilers and flags of the two flavours. Sourced by packaging/deps, in the
# subshell of each build, before a recipe.

case $FLAVOUR in
glibc)
    # For the sweeper, the tests and the sanitizers: speed, frames in traces.
    CC=gcc
    CFLAGS="-O2 -g1 -fPIC -fstack-protector-strong"
    SMOKE_LDFLAGS=""
    ;;
musl)
    # For the agent: small, and every function in its own section, so that
    # -Wl,--gc-sections drops what is not called.
    CC=musl-gcc
    CFLAGS="-Os -ffunction-sections -fdata-sections"
    SMOKE_LDFLAGS="-static -Wl,--gc-sections"
    ;;
esac
AR="ar"
RANLIB="ranlib"
