# Every target of ours links this one; foreign sources do not.
add_library(rescue_options INTERFACE)
target_include_directories(rescue_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(rescue_options INTERFACE _GNU_SOURCE RESCUE_VERSION="${PROJECT_VERSION}")
target_compile_options(rescue_options INTERFACE
	-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Wcast-qual
	-fstack-protector-strong -fno-strict-aliasing)
if(RESCUE_WERROR)
	target_compile_options(rescue_options INTERFACE -Werror)
endif()
if(RESCUE_FAILPOINTS)
	target_compile_definitions(rescue_options INTERFACE RESCUE_FAILPOINTS)
endif()
if(RESCUE_SANITIZE)
	target_compile_options(rescue_options INTERFACE
		-fsanitize=${RESCUE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(rescue_options INTERFACE -fsanitize=${RESCUE_SANITIZE})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
	target_compile_definitions(rescue_options INTERFACE _FORTIFY_SOURCE=2)
	target_link_options(rescue_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(RESCUE_FLAVOUR MATCHES "^musl")
	# Nothing in the agent unwinds a stack.
	target_compile_options(rescue_options INTERFACE
		-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)
	target_link_options(rescue_options INTERFACE -static -Wl,--gc-sections)
endif()
