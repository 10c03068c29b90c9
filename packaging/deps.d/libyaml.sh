# shellcheck shell=bash disable=SC2153  # packaging/deps sets VERSION
# libyaml: Debian's archive holds no configure script, and the library is eight
# files that need nothing but their version, so they are compiled directly.
build() {
    local version=${VERSION%-*} file major minor patch
    IFS=. read -r major minor patch <<<"$version"
    for file in src/*.c; do
        # shellcheck disable=SC2086  # CFLAGS is a list of words
        "$CC" $CFLAGS -Iinclude \
            -DYAML_VERSION_MAJOR="$major" -DYAML_VERSION_MINOR="$minor" \
            -DYAML_VERSION_PATCH="$patch" -DYAML_VERSION_STRING="\"$version\"" \
            -c "$file" -o "${file%.c}.o"
    done
    "$AR" rcD "$PREFIX/lib/libyaml.a" src/*.o
    install -m 644 include/yaml.h "$PREFIX/include/"
}
