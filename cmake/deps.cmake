# The libraries that packaging/deps rebuilt from Debian's source packages, and Debian's own.
if(NOT RESCUE_PREFIX)
	execute_process(
		COMMAND "${PROJECT_SOURCE_DIR}/packaging/deps" --print-prefix "${RESCUE_FLAVOUR}"
		OUTPUT_VARIABLE RESCUE_PREFIX OUTPUT_STRIP_TRAILING_WHITESPACE
		RESULT_VARIABLE deps_missing)
	if(deps_missing)
		message(FATAL_ERROR "The rebuilt libraries are missing: run packaging/deps ${RESCUE_FLAVOUR} first.")
	endif()
endif()

find_package(Threads REQUIRED)

# rescue_dependency(NAME ARCHIVE... [LINK TARGET...]) makes rescue::NAME.
function(rescue_dependency name)
	cmake_parse_arguments(arg "" "" "ARCHIVES;LINK" ${ARGN})
	add_library(rescue_${name} INTERFACE)
	add_library(rescue::${name} ALIAS rescue_${name})
	target_include_directories(rescue_${name} SYSTEM INTERFACE "${RESCUE_PREFIX}/include")
	foreach(archive IN LISTS arg_ARCHIVES)
		target_link_libraries(rescue_${name} INTERFACE "${RESCUE_PREFIX}/lib/${archive}")
	endforeach()
	target_link_libraries(rescue_${name} INTERFACE ${arg_LINK})
endfunction()

rescue_dependency(mbedtls ARCHIVES libmbedtls.a libmbedx509.a libmbedcrypto.a LINK Threads::Threads)
rescue_dependency(curl ARCHIVES libcurl.a LINK rescue::mbedtls)
target_compile_definitions(rescue_curl INTERFACE CURL_STATICLIB)
rescue_dependency(pcre2 ARCHIVES libpcre2-8.a)
target_compile_definitions(rescue_pcre2 INTERFACE PCRE2_CODE_UNIT_WIDTH=8 PCRE2_STATIC)
rescue_dependency(yaml ARCHIVES libyaml.a)
rescue_dependency(zlib ARCHIVES libz.a)
rescue_dependency(jansson ARCHIVES libjansson.a)

if(RESCUE_FLAVOUR STREQUAL "glibc")
	# Debian ships llhttp's generated C sources with node-llhttp; they are compiled here, unchanged.
	add_library(rescue_llhttp STATIC
		/usr/share/llhttp/api.c /usr/share/llhttp/http.c /usr/share/llhttp/llhttp.c)
	# The loose mode skips the bytes around chunks without looking at them.
	target_compile_definitions(rescue_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
	target_include_directories(rescue_llhttp SYSTEM PUBLIC /usr/share/include/llhttp)
	add_library(rescue::llhttp ALIAS rescue_llhttp)

	find_library(RESCUE_UV NAMES uv REQUIRED)
	find_library(RESCUE_PQ NAMES pq REQUIRED)
	find_path(RESCUE_PQ_INCLUDE NAMES libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
	add_library(rescue_uv INTERFACE)
	target_link_libraries(rescue_uv INTERFACE "${RESCUE_UV}")
	add_library(rescue::uv ALIAS rescue_uv)
	add_library(rescue_pq INTERFACE)
	target_include_directories(rescue_pq SYSTEM INTERFACE "${RESCUE_PQ_INCLUDE}")
	target_link_libraries(rescue_pq INTERFACE "${RESCUE_PQ}")
	add_library(rescue::pq ALIAS rescue_pq)
endif()
