rescue_unit_test(identity proto)
rescue_unit_test(order proto)
rescue_unit_test(record proto)
include(proto_http1.cmake OPTIONAL)
