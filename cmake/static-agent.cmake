# The agent that is shipped is a static musl program: a second configuration of this same tree.
include(ExternalProject)
# Its libraries are named here, so that it is configured anew when they are.
execute_process(
	COMMAND "${PROJECT_SOURCE_DIR}/packaging/deps" --print-prefix musl
	OUTPUT_VARIABLE musl_prefix OUTPUT_STRIP_TRAILING_WHITESPACE
	COMMAND_ERROR_IS_FATAL ANY)
ExternalProject_Add(static_agent
	SOURCE_DIR "${PROJECT_SOURCE_DIR}"
	BINARY_DIR "${PROJECT_BINARY_DIR}/static-agent"
	CMAKE_ARGS
		-DCMAKE_TOOLCHAIN_FILE=${PROJECT_SOURCE_DIR}/cmake/musl.cmake
		-DCMAKE_BUILD_TYPE=MinSizeRel
		-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
		-DRESCUE_FLAVOUR=musl
		-DRESCUE_PREFIX=${musl_prefix}
		-DRESCUE_WERROR=${RESCUE_WERROR}
	BUILD_ALWAYS ON
	INSTALL_COMMAND "")
# This build's own agent, which the tests link against, must not lie where the static one goes.
set_target_properties(rescue-agent PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
