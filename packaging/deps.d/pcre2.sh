# shellcheck shell=bash
# PCRE2: the 8-bit library with its JIT compiler and Unicode, nothing else.
build() {
    ./configure --prefix="$PREFIX" --host="$HOST_TRIPLET" --build="$BUILD_TRIPLET" \
        --disable-shared --enable-static --disable-dependency-tracking \
        --enable-jit --enable-unicode \
        --disable-pcre2-16 --disable-pcre2-32 \
        --disable-pcre2grep-jit --disable-pcre2grep-callout
    make -j"$JOBS" libpcre2-8.la
    install -m 644 .libs/libpcre2-8.a "$PREFIX/lib/"
    install -m 644 src/pcre2.h "$PREFIX/include/"
}
