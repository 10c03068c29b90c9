# Toolchain of the static agent for aarch64. Programs that the build itself runs are emulated.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
execute_process(
	COMMAND "${CMAKE_CURRENT_LIST_DIR}/../packaging/deps" --print-sysroot
	OUTPUT_VARIABLE sysroot OUTPUT_STRIP_TRAILING_WHITESPACE
	RESULT_VARIABLE missing)
if(missing)
	message(FATAL_ERROR "The compiler for aarch64 is missing: run packaging/deps musl-aarch64 first.")
endif()
set(CMAKE_C_COMPILER "${sysroot}/bin/musl-gcc")
set(CMAKE_AR aarch64-linux-gnu-ar)
set(CMAKE_RANLIB aarch64-linux-gnu-ranlib)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
