rescue_unit_test(loki_answer sweeper_core)
rescue_unit_test(loki_push sweeper_core)
rescue_unit_test(loki_presence sweeper_core)
rescue_unit_test(cargo sweeper_core)
rescue_unit_test(archive sweeper_core)
rescue_unit_test(stdout_sink sweeper_core)
rescue_unit_test(unreachable sweeper_core)

# Not a test: the Loki double of the bench.
add_executable(ship_loki "${PROJECT_SOURCE_DIR}/tests/bench/ship_loki.c")
target_link_libraries(ship_loki PRIVATE shared)
set_target_properties(ship_loki PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tools")
