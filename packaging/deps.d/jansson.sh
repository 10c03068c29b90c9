# shellcheck shell=bash
# jansson: Debian's archive holds no configure script; CMake builds it.
build() {
    cmake -S . -B out -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" \
        -DCMAKE_BUILD_TYPE=None -DCMAKE_SYSTEM_NAME=Linux \
        -DJANSSON_BUILD_SHARED_LIBS=OFF -DJANSSON_BUILD_DOCS=OFF \
        -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON
    cmake --build out -j "$JOBS" --target jansson
    install -m 644 out/lib/libjansson.a "$PREFIX/lib/"
    install -m 644 out/include/jansson.h out/include/jansson_config.h "$PREFIX/include/"
}
