rescue_unit_test(digest shared)
rescue_unit_test(pki shared)
rescue_unit_test(tls_session shared rescue::mbedtls)
rescue_unit_test(fetch shared Threads::Threads)
