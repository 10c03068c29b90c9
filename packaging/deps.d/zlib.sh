# shellcheck shell=bash
# zlib: its own small configure script, then the static archive alone.
build() {
    CFLAGS="$CFLAGS -D_LARGEFILE64_SOURCE=1" ./configure --static --prefix="$PREFIX"
    make -j"$JOBS" libz.a
    install -m 644 libz.a "$PREFIX/lib/"
    install -m 644 zlib.h zconf.h "$PREFIX/include/"
}
