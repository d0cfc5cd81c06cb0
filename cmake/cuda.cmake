# The CUDA backend: built when there is a toolkit, left out when there is none (NRFLV_CUDA in options.cmake).
#
# Its sources are kernels/*.cu (kernels and their launchers) and src/backend/cuda/*.c (the table that fills nrf_backend). With
# them come NRFLV_HAVE_CUDA and the libraries below; without them the program says that it has no CUDA.

file(GLOB NRF_CUDA_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*.cu ${PROJECT_SOURCE_DIR}/src/backend/cuda/*.c)

function(nrf_find_cuda found)
  set(${found} OFF PARENT_SCOPE)
  if(NRFLV_CUDA STREQUAL "OFF")
    return()
  endif()
  find_package(CUDAToolkit QUIET)
  if(CUDAToolkit_FOUND AND NRF_CUDA_SOURCES)
    set(${found} ON PARENT_SCOPE)
    message(STATUS "CUDA backend: yes, toolkit ${CUDAToolkit_VERSION}")
    return()
  endif()
  if(CUDAToolkit_FOUND)
    set(why "toolkit ${CUDAToolkit_VERSION} is there, but this version has no CUDA code yet")
  else()
    set(why "no CUDA toolkit found")
  endif()
  if(NRFLV_CUDA STREQUAL "ON")
    message(FATAL_ERROR "CUDA backend: ${why}")
  endif()
  message(STATUS "CUDA backend: no (${why})")
endfunction()

nrf_find_cuda(NRF_BUILD_CUDA)
if(NRF_BUILD_CUDA)
  enable_language(CUDA)
  add_library(nrf_cuda STATIC ${NRF_CUDA_SOURCES})
  target_include_directories(nrf_cuda PUBLIC ${PROJECT_SOURCE_DIR}/include)
  target_compile_definitions(nrf_cuda PUBLIC NRFLV_HAVE_CUDA)
  target_link_libraries(nrf_cuda PUBLIC CUDA::cudart CUDA::cublas cudnn)
  target_link_libraries(nrf_libraries INTERFACE nrf_cuda)
endif()
