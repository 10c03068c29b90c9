# shellcheck shell=bash
# libcurl: HTTP and HTTPS through mbedTLS. Content encodings are undone by
# Rescue itself, which wants the bytes as they came. Names are resolved in a
# thread, so that timeouts hold without signals.
build() {
    local features=(
        --enable-http --enable-ipv6 --enable-unix-sockets --enable-proxy
        --enable-threaded-resolver --enable-aws
        --enable-basic-auth --enable-bearer-auth --enable-http-auth
        --enable-headers-api --enable-verbose --enable-symbol-hiding
        --enable-socketpair --enable-bindlocal --enable-progress-meter
    )
    local without_protocols=(
        --disable-{ftp,file,ipfs,ldap,ldaps,rtsp,dict,telnet,tftp,pop3,imap,smb}
        --disable-{smtp,gopher,mqtt,websockets}
    )
    local without_features=(
        --disable-{ares,httpsrr,ech,ssls-export,manual,docs,libcurl-option}
        --disable-{digest-auth,kerberos-auth,negotiate-auth,ntlm,tls-srp,sspi}
        --disable-{cookies,doh,mime,form-api,netrc,sha512-256,dnsshuffle}
        --disable-{get-easy-options,alt-svc,hsts,dateparse,ca-search,ca-search-safe}
        --disable-{debug,curldebug,rt}
    )
    # No default set of certificates: who connects names whom it trusts.
    local without_libraries=(
        --without-{zlib,brotli,zstd,libpsl,libgsasl,libssh2,libssh,wolfssh,librtmp}
        --without-{libidn2,nghttp2,ngtcp2,nghttp3,quiche,msh3,libuv,gssapi}
        --without-{ca-bundle,ca-path,ca-fallback,ca-embed,zsh-functions-dir,fish-functions-dir}
    )
    PKG_CONFIG=false ./configure --prefix="$PREFIX" \
        --host="$HOST_TRIPLET" --build="$BUILD_TRIPLET" \
        --disable-shared --enable-static --disable-dependency-tracking \
        --with-mbedtls="$PREFIX" \
        "${features[@]}" "${without_protocols[@]}" \
        "${without_features[@]}" "${without_libraries[@]}"
    make -C lib -j"$JOBS" libcurl.la
    install -m 644 lib/.libs/libcurl.a "$PREFIX/lib/"
    mkdir -p "$PREFIX/include/curl"
    install -m 644 include/curl/*.h "$PREFIX/include/curl/"
}
