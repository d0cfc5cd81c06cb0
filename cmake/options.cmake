# Build options and the flags every target shares (target nrf_flags).

option(NRFLV_TESTS "Build the tests (needs cmocka)" ON)
option(NRFLV_WERROR "Treat warnings as errors (CI does)" OFF)
option(NRFLV_NATIVE "Compile for this machine's processor (fastest; the binary may not run elsewhere)" ON)
set(NRFLV_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined")
set(NRFLV_CUDA AUTO CACHE STRING "CUDA backend: AUTO builds it when a toolkit is found, ON insists, OFF leaves it out")
set_property(CACHE NRFLV_CUDA PROPERTY STRINGS AUTO ON OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# The developer finds every program in one place: build/nrflv, build/check_reference, ...
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_library(nrf_flags INTERFACE)
target_compile_options(nrf_flags INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                                           -Wpointer-arith -Wundef -Wvla -Wno-unknown-pragmas
                                           -Wno-psabi) # vectors are passed between our own functions only
target_compile_definitions(nrf_flags INTERFACE _GNU_SOURCE NRFLV_VERSION="${PROJECT_VERSION}")
if(NRFLV_WERROR)
  target_compile_options(nrf_flags INTERFACE -Werror)
endif()
if(NRFLV_NATIVE)
  target_compile_options(nrf_flags INTERFACE -march=native)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # Full-width vectors where the processor has them; strict IEEE otherwise (no -ffast-math: a NaN must stay a NaN).
  target_compile_options(nrf_flags INTERFACE -fno-math-errno -fno-trapping-math -mprefer-vector-width=512)
endif()
if(NRFLV_SANITIZE)
  target_compile_options(nrf_flags INTERFACE -fsanitize=${NRFLV_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
  target_link_options(nrf_flags INTERFACE -fsanitize=${NRFLV_SANITIZE})
endif()

# Tests: a Python with h5py and tensorboard (scripts/test.sh makes one), and the reference numbers and images.
find_program(NRFLV_TEST_PYTHON python3 DOC "Python that has h5py, numpy and tensorboard, for reading files back")
set(NRFLV_SHARED_DIR ${CMAKE_CURRENT_SOURCE_DIR}/../shared CACHE PATH
    "Folder with reference/ and data/ for the tests that compare with the published implementation")
