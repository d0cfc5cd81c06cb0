# Libraries, all packaged by Debian 12 (scripts/deps.sh installs them). One imported target each.

find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C HL)
find_package(PNG REQUIRED)
find_package(GIF 5 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CURL REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
# For src/analysis/ alone (target nrf_analysis); GSL and FFTW are GPL.
pkg_check_modules(GSL REQUIRED IMPORTED_TARGET gsl)
pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3)
if(NRFLV_TESTS)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()

# Not find_package(dnnl): Debian's package file insists on OpenCL headers, which the CPU part does not need.
add_library(DNNL::dnnl UNKNOWN IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION ${DNNL_LIBRARY}
                                            INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE_DIR})

add_library(nrf_libraries INTERFACE)
target_include_directories(nrf_libraries SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_compile_definitions(nrf_libraries INTERFACE ${HDF5_DEFINITIONS})
target_link_libraries(nrf_libraries INTERFACE OpenMP::OpenMP_C DNNL::dnnl ${HDF5_C_LIBRARIES} ${HDF5_HL_LIBRARIES}
                                              PNG::PNG GIF::GIF ZLIB::ZLIB CURL::libcurl PkgConfig::JANSSON m)
