# libframelift_torch.so: the torch engine (src/backend/torch/plugin) as a module that the program loads when asked to.
# libtorch comes out of the PyPI wheel (`make torch`). Its own CMake package needs a CUDA toolkit, so its CPU libraries
# are named here; the CUDA ones are loaded at run time (src/backend/torch/plugin/device.cpp).
set(framelift_torch_root ${framelift_site_packages}/torch CACHE PATH "libtorch: a folder with include and lib")
if(FRAMELIFT_TORCH STREQUAL AUTO)
  set(framelift_torch_found OFF)
  if(EXISTS ${framelift_torch_root}/lib/libtorch_cpu.so AND NOT FRAMELIFT_SANITIZE)
    set(framelift_torch_found ON)
  endif()
else()
  set(framelift_torch_found ${FRAMELIFT_TORCH})
endif()
if(framelift_torch_found)
  # Its own headers only: beside them the wheel has others, such as a newer fmt than this program's.
  set(torch_include ${CMAKE_BINARY_DIR}/torch_include)
  file(MAKE_DIRECTORY ${torch_include})
  foreach(folder ATen c10 caffe2 torch)
    file(CREATE_LINK ${framelift_torch_root}/include/${folder} ${torch_include}/${folder} SYMBOLIC)
  endforeach()
  foreach(library torch_cpu c10)
    add_library(libtorch::${library} SHARED IMPORTED)
    set_target_properties(libtorch::${library} PROPERTIES
      IMPORTED_LOCATION ${framelift_torch_root}/lib/lib${library}.so
      INTERFACE_INCLUDE_DIRECTORIES "${torch_include};${torch_include}/torch/csrc/api/include")
  endforeach()
  file(GLOB framelift_torch_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/torch/plugin/*.cpp)
  add_library(framelift_torch MODULE ${framelift_torch_sources})
  target_link_libraries(framelift_torch PRIVATE framelift_graph libtorch::torch_cpu libtorch::c10)
  # -Wconversion finds libtorch's macros.
  target_compile_options(framelift_torch PRIVATE -Wno-conversion -Wno-shadow -fvisibility=hidden)
  target_link_options(framelift_torch PRIVATE -Wl,--exclude-libs,ALL)
  set_target_properties(framelift_torch PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
                        BUILD_RPATH ${framelift_torch_root}/lib)
endif()

# libframelift_torch_cuda.so: what takes CUDA's own headers (src/backend/torch/cuda), loaded where a GPU is. nvcc and the
# headers of a toolkit make it; CUDA's runtime is the one that libtorch_cuda.so needs.
set(FRAMELIFT_CUDA AUTO CACHE STRING "Build the torch engine's CUDA part: ON, OFF, or AUTO (with a CUDA toolkit)")
find_program(FRAMELIFT_NVCC nvcc HINTS ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES bin)
set(framelift_cuda_possible OFF)
if(framelift_torch_found AND FRAMELIFT_NVCC AND EXISTS ${framelift_torch_root}/lib/libtorch_cuda.so)
  set(framelift_cuda_possible ON)
endif()
if(FRAMELIFT_CUDA STREQUAL ON AND NOT framelift_cuda_possible)
  message(FATAL_ERROR "FRAMELIFT_CUDA needs the torch engine, a libtorch for CUDA and nvcc (FRAMELIFT_NVCC)")
endif()
if(framelift_cuda_possible AND NOT FRAMELIFT_CUDA STREQUAL OFF)
  # Code for GPUs from Ampere on, and an intermediate form that drivers compile for others from Turing on.
  set(framelift_nvcc_flags -std=c++20 -O3 --fmad=false --expt-relaxed-constexpr -Xcompiler=-fPIC
      -gencode arch=compute_75,code=compute_75 -gencode arch=compute_80,code=sm_80
      -gencode arch=compute_90,code=sm_90 -I${CMAKE_SOURCE_DIR}/src)
  set(pixel_kernels ${CMAKE_SOURCE_DIR}/src/backend/torch/cuda/pixel_kernels.cu)
  set(pixel_kernels_object ${CMAKE_BINARY_DIR}/pixel_kernels.cu.o)
  add_custom_command(OUTPUT ${pixel_kernels_object}
                     COMMAND ${FRAMELIFT_NVCC} ${framelift_nvcc_flags} -MD -MF ${pixel_kernels_object}.d
                             -c ${pixel_kernels} -o ${pixel_kernels_object}
                     DEPENDS ${pixel_kernels} DEPFILE ${pixel_kernels_object}.d
                     COMMENT "Building CUDA object pixel_kernels.cu.o" VERBATIM)
  get_filename_component(cuda_root ${FRAMELIFT_NVCC} REALPATH)
  get_filename_component(cuda_root ${cuda_root}/../.. ABSOLUTE)
  foreach(library torch_cuda c10_cuda)
    add_library(libtorch::${library} SHARED IMPORTED)
    set_target_properties(libtorch::${library} PROPERTIES IMPORTED_LOCATION ${framelift_torch_root}/lib/lib${library}.so)
  endforeach()
  add_library(framelift_torch_cuda MODULE ${CMAKE_SOURCE_DIR}/src/backend/torch/cuda/cuda_part.cpp
              ${pixel_kernels_object})
  target_include_directories(framelift_torch_cuda SYSTEM PRIVATE ${cuda_root}/include)
  target_link_libraries(framelift_torch_cuda PRIVATE framelift_graph libtorch::torch_cuda libtorch::c10_cuda
                        libtorch::torch_cpu libtorch::c10)
  target_compile_options(framelift_torch_cuda PRIVATE -Wno-conversion -Wno-shadow -fvisibility=hidden)
  target_link_options(framelift_torch_cuda PRIVATE -Wl,--exclude-libs,ALL)
  set_target_properties(framelift_torch_cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
                        BUILD_RPATH ${framelift_torch_root}/lib)
endif()
