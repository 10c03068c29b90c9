rescue_unit_test(redact shared)
rescue_unit_test(redact_elsewhere shared)
rescue_unit_test(redact_known shared)
rescue_unit_test(redact_lanes shared)
add_subdirectory(plain)
rescue_unit_test(redact_layers shared)
rescue_unit_test(redact_notations shared)
rescue_unit_test(redact_readable shared)
rescue_unit_test(redact_stream shared)

# Every allocation of this one, also those inside the libraries, goes through the test; PCRE2's compiler too.
rescue_unit_test(redact_faults shared)
target_link_options(test_redact_faults PRIVATE
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=pcre2_jit_compile_8)

# The examples of the built-in rules are only linked here.
set(redact_examples "${PROJECT_BINARY_DIR}/shared/redact/rule_examples.c")
set_source_files_properties("${redact_examples}" PROPERTIES GENERATED ON)
target_sources(test_redact PRIVATE "${redact_examples}")
add_dependencies(test_redact redact_rules)

# The redactor once more, so that the compiler counts its steps (see the test), the same in every build; PCRE2's are
# counted by callouts.
get_target_property(redact_sources shared SOURCES)
list(FILTER redact_sources INCLUDE REGEX "/redact/|rule_table")
rescue_unit_test(redact_cost shared rescue::pcre2)
target_sources(test_redact_cost PRIVATE ${redact_sources} "${PROJECT_SOURCE_DIR}/shared/span.c" "${redact_examples}")
set_source_files_properties("${PROJECT_BINARY_DIR}/shared/redact/rule_table.c" PROPERTIES GENERATED ON)
set_source_files_properties(${redact_sources} "${PROJECT_SOURCE_DIR}/shared/span.c"
	PROPERTIES COMPILE_OPTIONS
	"-O2;-fno-sanitize=all;-fsanitize-coverage=trace-pc;-fno-builtin-memchr;-fno-builtin-memmem")
add_dependencies(test_redact_cost redact_rules)
target_link_options(test_redact_cost PRIVATE
	-Wl,--wrap=memchr,--wrap=memrchr,--wrap=memmem,--wrap=pcre2_compile_8,--wrap=pcre2_match_context_create_8)

rescue_unit_test(redact_corpus shared)
target_compile_definitions(test_redact_corpus PRIVATE
	REDACT_CORPUS="${PROJECT_SOURCE_DIR}/tests/redaction/corpus")

# Not tests: the score over a labelled file and the bench. tests/redaction/score and tests/bench/run run them.
foreach(tool redaction_score redact_bench)
	if(tool STREQUAL "redaction_score")
		add_executable(${tool} "${PROJECT_SOURCE_DIR}/tests/redaction/score.c")
	else()
		add_executable(${tool} "${PROJECT_SOURCE_DIR}/tests/bench/redact_bench.c")
	endif()
	target_link_libraries(${tool} PRIVATE shared)
	set_target_properties(${tool} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tools")
endforeach()
