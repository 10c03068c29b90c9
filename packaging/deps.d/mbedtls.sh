# shellcheck shell=bash disable=SC2153  # packaging/deps sets the names in capitals
# mbedTLS: the archive's own mbedtls_config.h is edited as mbedtls.config says,
# and the edited file is installed, so that whoever includes it sees the
# settings the library was built with.
build() {
    local flavour verb name value
    case $VERSION in
    3.6.6*)
        patch -p1 --fuzz=0 <"$RECIPES/mbedtls-rsa-pss.patch"
        patch -p1 --fuzz=0 <"$RECIPES/mbedtls-getrandom.patch"
        ;;
    esac
    while read -r flavour verb name value; do
        case $flavour in
        '' | '#'*) continue ;;
        both | "${FLAVOUR%%-*}") ;;
        *) continue ;;
        esac
        # shellcheck disable=SC2086  # no value means no argument
        python3 scripts/config.py "$verb" "$name" $value
    done <"$RECIPES/mbedtls.config"

    # GEN_FILES empty: the generated sources of the release are kept, although
    # the edited header is newer; making them anew would need more tools.
    make -C library GEN_FILES= -j"$JOBS" static
    install -m 644 library/libmbedtls.a library/libmbedx509.a library/libmbedcrypto.a "$PREFIX/lib/"
    cp -R include/mbedtls include/psa "$PREFIX/include/"
}
