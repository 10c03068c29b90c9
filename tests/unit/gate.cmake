rescue_unit_test(sweeper_config sweeper_core)
rescue_unit_test(metrics sweeper_core)
rescue_unit_test(rules sweeper_core)
rescue_unit_test(held sweeper_core)
rescue_unit_test(log_tail sweeper_core)
rescue_unit_test(bodies sweeper_core)
rescue_unit_test(rate sweeper_core)
rescue_unit_test(receive sweeper_core)

# Not a test: the agents of tests/bench/gate.
add_executable(gate_load "${PROJECT_SOURCE_DIR}/tests/bench/gate_load.c")
target_link_libraries(gate_load PRIVATE shared rescue::mbedtls)
set_target_properties(gate_load PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tools")
